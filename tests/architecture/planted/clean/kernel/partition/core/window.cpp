#include "partition/core/window.h"

namespace ion::partition {
Window Window::of_one() { return Window(1); }
bool Window::take(uint64_t sequence) {
  if (seen_.size() >= most_) return false;
  return seen_.emplace(sequence, true).second;
}
}  // namespace ion::partition
