// The thread on which timers and signals wait: one Boost.Asio io_context. Handlers are short and never block; work goes to shards.
// Invariant: after stop() no handler runs any more. What registers handlers is destroyed between stop() and the loop.
// Thread: post any; stop the control thread.
#pragma once
#include <ion/result.h>

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace ion::base {

class IoLoop {
 public:
  static Result<std::unique_ptr<IoLoop>> start();
  ~IoLoop();  // stops
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  void post(std::function<void()> handler);  // runs on the loop's thread; after stop it is dropped
  void stop();                               // ends the thread; waiting handlers are dropped; again is nothing new
  bool stopped() const noexcept;

  boost::asio::io_context& context() noexcept;  // for what waits on this loop

 private:
  struct Inside;
  explicit IoLoop(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace ion::base
