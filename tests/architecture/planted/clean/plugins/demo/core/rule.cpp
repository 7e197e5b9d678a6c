#include "core/rule.h"

namespace ion::demo {
uint32_t doubled(uint32_t n) { return n * 2; }
}  // namespace ion::demo
