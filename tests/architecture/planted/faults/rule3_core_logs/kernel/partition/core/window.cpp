#include "partition/core/window.h"

namespace ion::partition {
void say() { std::cerr << "late"; }  // FAULT
}  // namespace ion::partition
