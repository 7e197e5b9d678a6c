// The records of a run that were not delivered: the first ones are told one by one, the rest is counted each second, and in the end it is
// told which they were. So a pipe that nobody watches never loses anything in silence, and never fills a log either.
// Any thread adds; the owner finishes. A thread of its own tells.
#pragma once
#include <ion/status.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/record_ranges.h"

namespace ion::cli {

class Refusals {
 public:
  explicit Refusals(std::string what);  // the command and its topic, as in "produce t"
  ~Refusals() { finish(); }
  Refusals(const Refusals&) = delete;
  Refusals& operator=(const Refusals&) = delete;

  // `where`: the command and the topic of this record. Quiet ones are only remembered: the run ends, and the cause has been told.
  enum class Tell { kNow, kQuiet };
  void add(std::string_view where, uint64_t number, const Status& why, Tell tell);
  // Tells what has been counted and not told. Nothing is added afterwards.
  void finish();
  // One line for each code and reason, if records failed that have no line of their own. After finish().
  void tell_which() const;

  uint64_t count() const noexcept { return count_.load(); }
  // The lowest number; 0: none.
  uint64_t first() const noexcept { return first_.load(); }
  // The exit code of the cause that came first; 0 before.
  int first_exit() const noexcept { return first_exit_.load(); }
  // Lines of the first ones.
  static constexpr uint64_t kShown = 10;

 private:
  static constexpr size_t kCausesMax = 10, kRangesShown = 10;
  struct Cause {
    std::string text;  // code and reason
    RecordRanges records;
  };
  void run();
  void remember(uint64_t number, const Status& why);

  const std::string what_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<uint64_t> count_{0}, first_{0};
  std::atomic<int> first_exit_{0};
  std::vector<Cause> causes_;  // the last one may stand for several
  uint64_t told_ = 0, untold_ = 0;
  Status last_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace ion::cli
