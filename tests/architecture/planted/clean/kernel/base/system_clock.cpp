#include "base/system_clock.h"

#include <chrono>

namespace ion::base {
int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }
}  // namespace ion::base
