// A rule of the demo plugin.
#pragma once
#include <cstdint>

namespace ion::demo {
uint32_t doubled(uint32_t n);
}
