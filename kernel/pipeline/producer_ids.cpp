#include "pipeline/producer_ids.h"

#include <utility>

namespace ion::pipeline {

namespace {
constexpr size_t kWaitingMax = cluster::kProducerBlock;  // so that one block answers everybody who waits
}

void ProducerIds::next(Done done) {
  int64_t id = -1;
  bool ask = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (next_ < end_) {
      id = next_++;
    } else if (waiting_.size() < kWaitingMax) {
      waiting_.push_back(std::move(done));
      ask = !std::exchange(asking_, true);
      done = nullptr;
    }
  }
  if (ask) controller_.reserve_producers(cluster::kProducerBlock, [this](Result<int64_t> first) { reserved(std::move(first)); });
  if (done == nullptr) return;
  if (id >= 0) done(id);
  else done(Status(ION_E_OVERLOADED, "too many producers ask for an identity at once", "QUEUE_FULL"));
}

void ProducerIds::reserved(Result<int64_t> first) {
  std::vector<std::pair<Done, int64_t>> ready;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    asking_ = false;
    if (first) next_ = *first, end_ = *first + cluster::kProducerBlock;
    for (Done& d : std::exchange(waiting_, {})) ready.emplace_back(std::move(d), first ? next_++ : -1);
  }
  for (auto& [done, id] : ready) {
    if (first) done(id);
    else done(first.error());
  }
}

}  // namespace ion::pipeline
