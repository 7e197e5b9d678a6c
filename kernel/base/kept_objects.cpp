#include "base/kept_objects.h"

#include <mutex>
#include <utility>
#include <vector>

namespace ion::base {

void keep_until_exit(std::shared_ptr<void> object) {
  struct Kept {
    std::mutex mutex;
    std::vector<std::shared_ptr<void>> objects;
  };
  static Kept& kept = *new Kept;  // no destructor at exit: threads of plugins may run still
  const std::lock_guard<std::mutex> lock(kept.mutex);
  kept.objects.push_back(std::move(object));
}

}  // namespace ion::base
