// What one plugin instance did wrong: how often, and the last words. Counted by its bridges, its steps and its own call of
// `fault`; shown by the plugin verbs. Any thread.
#pragma once
#include <ion/status.h>

#include <cstdint>
#include <mutex>
#include <string>

namespace ion::host {

struct Record {             // a moment's view
  uint64_t faults = 0;      // everything below
  uint64_t exceptions = 0;  // of them: ended at a bridge
  std::string last_error;   // empty: none
};

class Misbehaviour {
 public:
  void count(const Status& why);
  Record record() const;

 private:
  mutable std::mutex mutex_;
  Record record_;
};

}  // namespace ion::host
