#include "event_teller.h"

#include <chrono>
#include <string_view>
#include <utility>

#include "process.h"

namespace ion::cli {

void EventTeller::tell(const client::ClientEvent& event) {
  using What = client::ClientEvent::What;
  std::string_view kind;
  switch (event.what) {
    case What::kPartitionLost: kind = "partitions cannot be read"; break;
    case What::kPartitionFound: kind = "partitions are served again"; break;
    case What::kGap: kind = "gaps"; break;
    default: return say("ion: " + event.text + "\n");
  }
  const std::lock_guard lock(mutex_);
  const auto now = lines_.add(event.topic, kind, event.text);
  if (now || ending_) return say("ion: " + now.value_or(event.text) + "\n");
  if (std::exchange(counting_, true)) return;
  changed_.notify_all();
  if (!thread_.joinable()) thread_ = std::thread([this] { tell_rest(); });
}

// What comes within a second of the first is one line.
void EventTeller::tell_rest() {
  std::unique_lock lock(mutex_);
  for (;;) {  // at least once: the end may come before this thread runs
    changed_.wait(lock, [this] { return ending_ || counting_; });
    changed_.wait_for(lock, std::chrono::seconds(1), [this] { return ending_; });
    counting_ = false;
    say(lines_.rest());
    if (ending_) return;
  }
}

void EventTeller::finish() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace ion::cli
