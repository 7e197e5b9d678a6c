// A broker in the test's process, on a free port: topics in memory, sequences checked as the real one does, faults on request.
// What it stores outlives stop(); start() after it takes the same port.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ion::client {

class FakeBroker {
 public:
  FakeBroker();
  ~FakeBroker();

  void start();
  void stop();  // every call ends at once, as when the process is killed
  std::string address() const;

  void create_topic(const std::string& name, int partitions);
  // The values of a partition, in order.
  std::vector<std::string> values(const std::string& topic, int partition) const;

  // Produce messages wait unread from hold() to go_on().
  void hold();
  void go_on();
  // The next n produce messages are stored, but the stream breaks instead of the ack.
  void lose_acks(int n);
  // The next n produce messages are answered with this error and not stored.
  void refuse(int n, int code, std::string reason);
  // The next n questions for offsets are answered as of partitions that are still being opened.
  void open_late(int n);
  uint64_t credit_calls() const;
  // Waits until so many produce streams are open; a deadline ends the process.
  void wait_for_streams(int n);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ion::client
