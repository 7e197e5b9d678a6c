// stdout behind a thread of its own: whoever appends never waits for it, and what was appended is written at once, as much as has
// gathered since the last write. Invariant: bytes leave in the order of append. Any thread appends; the owner drains.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "process.h"

namespace ion::cli {

class LineWriter {
 public:
  // `ended` runs once, on the thread, when nothing more can be written: somebody closed the pipe, or it failed. It outlives this.
  explicit LineWriter(std::function<void()> ended) : when_ended_(std::move(ended)), thread_([this] { write(); }) {}
  ~LineWriter() { (void)finish(); }
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // `add` appends to the text that it is given, under the lock.
  template <class Add>
  void append(Add add) {
    const std::lock_guard lock(mutex_);
    const bool was_empty = waiting_.empty();
    add(waiting_);
    if (was_empty) changed_.notify_all();
  }
  // Waits until little is left to write: the bound of the buffer, for those who may wait.
  void wait_for_space() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.size() < kBytesMax; });
  }
  // Nothing more can be written: the rest is dropped. Any thread.
  bool ended() const { return ended_; }
  // Writes the rest and ends. Nothing may be appended afterwards. Answers why something could not be written; a closed pipe is OK.
  Status finish() {
    if (!thread_.joinable()) return {};
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
    return why_.reason() == kPipeClosed ? Status() : why_;
  }

 private:
  static constexpr size_t kBytesMax = 4 << 20;

  void write() {
    std::string text;
    for (bool open = true;;) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        text.clear();
        text.swap(waiting_);
      }
      changed_.notify_all();
      if (!open) continue;
      why_ = write_all(text);
      open = why_.ok();
      if (open) continue;
      ended_ = true;
      when_ended_();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string waiting_;
  bool ending_ = false;
  std::atomic<bool> ended_{false};
  const std::function<void()> when_ended_;
  Status why_;  // the thread's until it has ended
  std::thread thread_;
};

}  // namespace ion::cli
