// A rule of another plugin.
#pragma once
#include "../../demo/core/rule.h"  // FAULT
