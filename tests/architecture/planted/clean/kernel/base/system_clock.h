// The time of the machine.
#pragma once
#include <cstdint>

namespace ion::base {
int64_t now_ns();
}
