// Says on stderr what the client library tells: each thing that concerns the brokers or a topic as a whole, and of partitions the first
// ones and then, once a second at most, how many more. Thread: any; a thread of its own runs from the first one that is counted.
#pragma once
#include <ion/client/options.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/event_lines.h"

namespace ion::cli {

class EventTeller {
 public:
  EventTeller() = default;
  ~EventTeller() { finish(); }
  EventTeller(const EventTeller&) = delete;
  EventTeller& operator=(const EventTeller&) = delete;

  void tell(const client::ClientEvent& event);
  // Says what is counted, and counts nothing from now on. The command is over; the client library may still hold on to this.
  void finish();

 private:
  void tell_rest();

  std::mutex mutex_;
  std::condition_variable changed_;
  EventLines lines_;
  bool counting_ = false, ending_ = false;
  std::thread thread_;  // started by tell()
};

}  // namespace ion::cli
