#include "partition/core/window.h"

namespace ion::partition {
std::atomic<int> shared_count;  // FAULT
}  // namespace ion::partition
