#include "observe/health.h"

#include <algorithm>

namespace ion::observe {

std::string_view health_name(HealthState state) {
  switch (state) {
    case HealthState::kStarting: return "starting";
    case HealthState::kServing: return "serving";
    case HealthState::kDraining: return "draining";
    case HealthState::kFailed: return "failed";
  }
  return "failed";
}

Status Health::serve() {
  const std::lock_guard lock(mutex_);
  if (state_ != HealthState::kStarting)
    return {ION_E_CLOSED, "wanted a broker that is starting, found one that is " + std::string(health_name(state_))};
  state_ = HealthState::kServing;
  return {};
}

void Health::drain() {
  const std::lock_guard lock(mutex_);
  if (state_ != HealthState::kFailed) state_ = HealthState::kDraining;
}

// The reason that made it fail stays in front of what its failure brings about.
void Health::fail(std::string_view part, std::string_view words) {
  const std::lock_guard lock(mutex_);
  if (state_ != HealthState::kFailed && reasons_.size() == kReasonsMax) reasons_.pop_back();
  raise_locked(part, words, Harm::kPart);
  state_ = HealthState::kFailed;
}

void Health::raise(std::string_view part, std::string_view words, Harm harm) {
  const std::lock_guard lock(mutex_);
  raise_locked(part, words, harm);
}

// One that stops all writes finds a place also when there are too many others.
void Health::raise_locked(std::string_view part, std::string_view words, Harm harm) {
  const auto at = std::find_if(reasons_.begin(), reasons_.end(), [&](const HealthReason& r) { return r.part == part; });
  if (at != reasons_.end()) {
    at->words = words, at->harm = harm;
  } else {
    if (reasons_.size() == kReasonsMax && harm == Harm::kWrites) reasons_.pop_back();
    if (reasons_.size() < kReasonsMax) reasons_.push_back({std::string(part), std::string(words), harm});
  }
  judge_writes_locked();
}

void Health::judge_writes_locked() {
  takes_writes_ = std::none_of(reasons_.begin(), reasons_.end(), [](const HealthReason& r) { return r.harm == Harm::kWrites; });
}

void Health::clear(std::string_view part) {
  const std::lock_guard lock(mutex_);
  if (state_ == HealthState::kFailed) return;  // a failure is explained until the end
  std::erase_if(reasons_, [&](const HealthReason& r) { return r.part == part; });
  judge_writes_locked();
}

HealthReport Health::report() const {
  const std::lock_guard lock(mutex_);
  return {state_, reasons_};
}

}  // namespace ion::observe
