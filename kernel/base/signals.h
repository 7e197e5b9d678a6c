// SIGTERM, SIGINT and SIGHUP for the thread that waits for them. Signals of a kind that come while the same kind waits are one; the
// first of SIGTERM and SIGINT is kept, for either means the same.
// Thread: next main. Destroyed after loop.stop(). One per process: signals have no other owner.
#pragma once
#include "base/io_loop.h"

#include <ion/result.h>
#include <ion/time.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

namespace ion::base {

class Signals {
 public:
  static Result<std::unique_ptr<Signals>> start(IoLoop& loop);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // SIGHUP before a stop that came later. Without a limit: this is the life of the process.
  int next();
  std::optional<int> next(Nanos limit);  // nothing: the limit passed

 private:
  struct Set;
  explicit Signals(IoLoop& loop);
  void listen();
  void came(int signal);
  std::optional<int> take();

  IoLoop& loop_;
  std::unique_ptr<Set> set_;  // the loop's thread only, once started

  std::mutex mutex_;
  std::condition_variable came_;
  bool reload_ = false;
  std::optional<int> stop_;
};

}  // namespace ion::base
