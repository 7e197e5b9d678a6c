#include "partition/core/window.h"

namespace ion::partition {
uint64_t part(uint64_t n) { return static_cast<uint64_t>(static_cast<double>(n) * 0.3); }  // FAULT
}  // namespace ion::partition
