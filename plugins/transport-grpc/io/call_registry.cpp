#include "io/call_registry.h"

#include "io/grpc_call.h"

#include <utility>

namespace ion::transport_grpc {

CallRegistry::Admission CallRegistry::joined(GrpcCall& call) {
  const std::lock_guard lock(mutex_);
  call.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &call;
  first_ = &call;
  ++count_;
  if (draining_) return Admission::kDraining;
  return count_ > calls_max_ ? Admission::kOverloaded : Admission::kServed;
}

void CallRegistry::left(GrpcCall& call) {
  std::vector<Later> done;
  {
    const std::lock_guard lock(mutex_);
    if (call.previous_ != nullptr) call.previous_->next_ = call.next_;
    else first_ = call.next_;
    if (call.next_ != nullptr) call.next_->previous_ = call.previous_;
    --count_;
    done = due();
  }
  for (Later& later : done) later.ok();
}

std::vector<Later> CallRegistry::due() {
  std::vector<Later> done;
  if (count_ != 0) return done;
  done.swap(waiting_);
  if (lines_ == 0 && gone_) done.push_back(std::move(gone_));
  return done;
}

void CallRegistry::line_opened() {
  const std::lock_guard lock(mutex_);
  ++lines_;
}

void CallRegistry::line_closed() {
  std::vector<Later> done;
  {
    const std::lock_guard lock(mutex_);
    ION_ASSERT(lines_ > 0);
    --lines_;
    done = due();
  }
  for (Later& later : done) later.ok();
}

void CallRegistry::when_empty(Later later) {
  std::vector<Later> done;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(later));
    done = due();
  }
  for (Later& each : done) each.ok();
}

void CallRegistry::when_gone(Later later) {
  std::vector<Later> done;
  {
    const std::lock_guard lock(mutex_);
    ION_ASSERT(!gone_);
    gone_ = std::move(later);
    done = due();
  }
  for (Later& each : done) each.ok();
}

void CallRegistry::drain() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
}

bool CallRegistry::draining() const {
  const std::lock_guard lock(mutex_);
  return draining_;
}

uint64_t CallRegistry::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

std::vector<std::shared_ptr<GrpcCall>> CallRegistry::calls() const {
  std::vector<std::shared_ptr<GrpcCall>> all;
  const std::lock_guard lock(mutex_);
  all.reserve(count_);
  for (GrpcCall* call = first_; call != nullptr; call = call->next_)
    if (auto alive = call->weak_from_this().lock()) all.push_back(std::move(alive));
  return all;
}

Later CallRegistry::give_up_waiting(Instant now) {
  const std::lock_guard lock(mutex_);
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if (it->deadline().ns == 0 || now < it->deadline()) continue;
    Later late = std::move(*it);
    waiting_.erase(it);
    return late;
  }
  return {};
}

}  // namespace ion::transport_grpc
