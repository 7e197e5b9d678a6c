// How the broker is: starting -> serving -> draining, and failed from everywhere, for good. Beside the state stand reasons:
// what is wrong although the broker serves (a disk that is almost full), and why it failed.
// Thread: any; state() takes no lock.
//
//   starting ──serve──▶ serving ──drain──▶ draining
//       └─────────────────┴──── fail ────────┴────▶ failed
#pragma once
#include <ion/status.h>

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace ion::observe {

enum class HealthState : uint8_t { kStarting, kServing, kDraining, kFailed };
std::string_view health_name(HealthState state);  // "serving"

enum class Harm : uint8_t { kPart, kWrites };  // a part of it; or no record is taken until the reason is cleared
struct HealthReason {
  std::string part;   // "plugin storage-mmap", "disk"
  std::string words;  // what was wanted, what is there
  Harm harm = Harm::kPart;
};
struct HealthReport {
  HealthState state = HealthState::kStarting;
  std::vector<HealthReason> reasons;  // the first one is the oldest
};

class Health {
 public:
  static constexpr size_t kReasonsMax = 32;  // more parts than that: the first ones are the interesting ones

  Status serve();  // CLOSED unless starting
  void drain();    // nothing once failed
  void fail(std::string_view part, std::string_view words);

  // A part may have one reason; a second one takes its place. Clearing what is not there is no fault.
  void raise(std::string_view part, std::string_view words, Harm harm = Harm::kPart);
  void clear(std::string_view part);

  HealthState state() const noexcept { return state_.load(std::memory_order_acquire); }
  bool ready() const noexcept { return state() == HealthState::kServing; }
  // False: a reason says that no record is taken now. Takes no lock.
  bool takes_writes() const noexcept { return takes_writes_.load(std::memory_order_acquire); }
  HealthReport report() const;

 private:
  void raise_locked(std::string_view part, std::string_view words, Harm harm);
  void judge_writes_locked();

  std::atomic<HealthState> state_{HealthState::kStarting};  // written under the mutex
  std::atomic<bool> takes_writes_{true};  // likewise
  mutable std::mutex mutex_;
  std::vector<HealthReason> reasons_;
};

}  // namespace ion::observe
