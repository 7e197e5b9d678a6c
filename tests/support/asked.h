// Asks one op and keeps how it ended; the answer may come at once, later, or from another thread.
//   Asked asked([&](Op& op) { return log.sync(op, Offset{5}); });   executor.run_all();   EXPECT_EQ(asked.code(), ION_OK);
#pragma once
#include <ion/op.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

namespace ion::test {

class Asked {
 public:
  template <class Start>
    requires(!std::is_same_v<std::remove_cvref_t<Start>, Asked>)
  explicit Asked(Start&& start, CallOptions options = {}) {
    call(options, std::forward<Start>(start), [end = end_](const ion_result& r) {
      Outcome outcome = Outcome::from(r);
      const std::lock_guard lock(end->mutex);
      ++end->answers;
      end->outcome = std::move(outcome);
      end->answered.notify_all();
    });
  }
  bool done() const {
    const std::lock_guard lock(end_->mutex);
    return end_->answers > 0;
  }
  int answers() const {
    const std::lock_guard lock(end_->mutex);
    return end_->answers;
  }
  // PENDING while there is no answer.
  Code code() const {
    const std::lock_guard lock(end_->mutex);
    return end_->answers == 0 ? ION_PENDING : end_->outcome.status.code();
  }
  // For answers from other threads. False: none came before the deadline of the test.
  bool wait() const {
    std::unique_lock lock(end_->mutex);
    return end_->answered.wait_for(lock, std::chrono::seconds(60), [&] { return end_->answers > 0; });
  }
  // After the answer.
  const Status& status() const { return end_->outcome.status; }
  const Outcome& outcome() const { return end_->outcome; }
  Outcome take() { return std::move(end_->outcome); }

 private:
  struct End {
    mutable std::mutex mutex;
    std::condition_variable answered;
    int answers = 0;
    Outcome outcome;
  };
  std::shared_ptr<End> end_ = std::make_shared<End>();
};

}  // namespace ion::test
