// What the parts of one run share: virtual time, the machine with its disks, numbers drawn from the seed, what is to happen later, and the
// trace. The same seed gives the same trace, line by line. Thread: one.
#pragma once
#include "support/seeded_random.h"
#include "support/virtual_world.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace ion::sim {

using test::SeededRandom;

// What happened, and a hash of it by which two runs are compared.
class Trace {
 public:
  explicit Trace(bool keep) : keep_(keep) {}
  void line(Instant now, const std::string& text);
  const std::vector<std::string>& lines() const { return lines_; }
  uint64_t hash() const { return hash_; }

 private:
  const bool keep_;
  uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::vector<std::string> lines_;
};

// What clients and the run itself do later, on virtual time and beside the shards of brokers. What is left at the end never happens.
class Agenda {
 public:
  explicit Agenda(test::VirtualTime& time) : time_(time), work_(time.clock(), 1) { time_.add(work_); }
  ~Agenda() {
    ended_ = true;
    work_.close();
    time_.remove(work_);
    for (const Entry* entry : entries_) delete entry;
  }
  void at(Instant when, std::function<void()> what);
  void after(Nanos wait, std::function<void()> what) { at(time_.clock().now() + wait, std::move(what)); }

 private:
  struct Entry {
    Agenda& agenda;
    std::function<void()> what;
  };
  static void run(void* ctx) noexcept;
  test::VirtualTime& time_;
  test::VirtualWork work_;
  std::vector<Entry*> entries_;
  bool ended_ = false;
};

struct Stage {
  Stage(uint64_t the_seed, bool keep_trace)
      : seed(the_seed), trace(keep_trace), agenda(time), schedule(the_seed * 4 + 1), clients(the_seed * 4 + 2), faults(the_seed * 4 + 3) {}

  Instant now() { return time.clock().now(); }
  void say(const std::string& text) { trace.line(now(), text); }

  const uint64_t seed;
  Trace trace;
  test::VirtualTime time;
  test::VirtualMachine machine;
  Agenda agenda;
  SeededRandom schedule, clients, faults;  // each draws for itself, so that one part that asks more often does not change what the others do
};

}  // namespace ion::sim
