#include "partition/core/window.h"

namespace ion::partition {
int talk() { return ::socket(2, 1, 0); }  // FAULT
}  // namespace ion::partition
