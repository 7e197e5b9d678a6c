#include "partition/core/window.h"

namespace ion::partition {
void start() { std::thread([] {}).detach(); }  // FAULT
}  // namespace ion::partition
