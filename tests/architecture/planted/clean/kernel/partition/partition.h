// A door of the module.
#pragma once
#include "base/system_clock.h"
#include "partition/core/window.h"
#include "partition/private_part.h"
