#pragma once
#include "base/system_clock.h"
