#include "partition/core/window.h"

namespace ion::partition {
int drawn() { return ::rand(); }  // FAULT
}  // namespace ion::partition
