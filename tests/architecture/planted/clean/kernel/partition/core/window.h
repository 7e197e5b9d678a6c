// A pure core: values and `now` in, actions out.
#pragma once
#include <ion/result.h>

#include <cstdint>
#include <map>

namespace ion::partition {
class Window {
 public:
  explicit Window(uint64_t most) : most_{most}, seen_{} {
    if (most_ == 0) most_ = 1'000;
  }
  static Window of_one();
  bool take(uint64_t sequence);

 private:
  static constexpr uint64_t kFirst = 0;
  uint64_t most_ = 0;
  std::map<uint64_t, bool> seen_;
};
}  // namespace ion::partition
