#include "partition/core/window.h"

namespace ion::partition {
auto late() { return std::chrono::steady_clock::now(); }  // FAULT
}  // namespace ion::partition
