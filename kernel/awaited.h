// Main waits for something that ends on another thread: hand out done(), then wait. The answer may come after the wait was given
// up, and is dropped then.
#pragma once
#include "base/world.h"

#include <ion/op.h>

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

namespace ion {

class Awaited {
 public:
  std::function<void(Status)> done() const {
    return [end = end_](Status status) {
      const std::lock_guard lock(end->mutex);
      end->status = std::move(status);
      end->moved.notify_all();
    };
  }
  // DEADLINE: `what` took longer than `limit`.
  Status wait(World& world, Nanos limit, std::string_view what) const {
    std::unique_lock lock(end_->mutex);
    if (world.await(lock, end_->moved, limit, [this] { return end_->status.has_value(); })) return *end_->status;
    return {ION_E_DEADLINE, fmt::format("{} took longer than {:g} s", what, limit.seconds())};
  }

 private:
  struct End {
    std::mutex mutex;
    std::condition_variable moved;
    std::optional<Status> status;
  };
  std::shared_ptr<End> end_ = std::make_shared<End>();  // shared: the answer may come after we gave up
};

// An op, waited for.
template <class Start>
Status await_op(World& world, Start start, Nanos limit, std::string_view what) {
  const Awaited awaited;
  call(start, [done = awaited.done()](const ion_result& r) { done(Status::from(r.status, r.err)); });
  return awaited.wait(world, limit, what);
}

}  // namespace ion
