#include "io/call_registry.h"

#include "io/grpc_call.h"

#include <utility>

namespace ion::transport_grpc {

CallRegistry::Admission CallRegistry::admitted() {
  const std::lock_guard lock(mutex_);
  ++count_;
  if (draining_) return Admission::kDraining;
  return count_ > calls_max_ ? Admission::kOverloaded : Admission::kServed;
}

bool CallRegistry::published(GrpcCall& call, Admission admission) {
  ION_ASSERT(call.handler_ != nullptr);
  const std::lock_guard lock(mutex_);
  call.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &call;
  first_ = &call;
  call.listed_ = true;
  return draining_ && admission != Admission::kDraining;
}

void CallRegistry::left(GrpcCall& call) {
  std::vector<Later> done;
  {
    const std::lock_guard lock(mutex_);
    if (call.listed_) {
      if (call.previous_ != nullptr) call.previous_->next_ = call.next_;
      else first_ = call.next_;
      if (call.next_ != nullptr) call.next_->previous_ = call.previous_;
    }
    --count_;
    done = due();
  }
  for (Later& later : done) later.ok();
}

std::vector<Later> CallRegistry::due() {
  std::vector<Later> done;
  if (count_ == 0) done.swap(waiting_);
  return done;
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

void CallRegistry::drain() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
}

void CallRegistry::limit_calls(uint64_t calls_max) {
  const std::lock_guard lock(mutex_);
  calls_max_ = calls_max;
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
