#include "core/rule.h"

#include <mutex>  // FAULT

namespace ion::demo {
uint32_t doubled(uint32_t n) { return n * 2; }
}  // namespace ion::demo
