#include "partition/core/window.h"

namespace ion::partition {
void save() { std::ofstream("x") << 1; }  // FAULT
}  // namespace ion::partition
