#include "partition/core/window.h"

namespace ion::partition {
std::unordered_map<int, int> by_hash();  // FAULT
}  // namespace ion::partition
