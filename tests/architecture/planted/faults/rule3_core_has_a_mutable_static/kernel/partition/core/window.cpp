#include "partition/core/window.h"

namespace ion::partition {
int next() {
  static int last = 0;  // FAULT
  return ++last;
}
}  // namespace ion::partition
