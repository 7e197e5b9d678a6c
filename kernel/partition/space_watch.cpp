#include "partition/space_watch.h"

#include <fmt/format.h>

namespace ion::partition {

void SpaceWatch::look(std::string_view who, std::function<void()> done) {
  services_.ask([this, who = std::string(who), done = std::move(done)](const Status& status) {
    if (status.code() == ION_E_NO_SPACE) refused(who, status);
    done();
  });
}

// Whoever finds that it was not full begins; so there is one timer at most.
void SpaceWatch::refused(std::string_view who, const Status& why) {
  taken_.store(false, std::memory_order_relaxed);
  refusals_.fetch_add(1, std::memory_order_acq_rel);
  if (!full_.exchange(true, std::memory_order_acq_rel)) begin(who, why);
}

void SpaceWatch::sync_wait_began(std::string_view who, const Status& why) {
  syncs_waiting_.fetch_add(1, std::memory_order_acq_rel);
  refused(who, why);
}

void SpaceWatch::begin(std::string_view who, const Status& why) {
  services_.logger.error("not serving for writes: no space", {{"refused", std::string(who)}, {"why", why.message()}});
  services_.health.raise(kHealthPart, fmt::format("not serving for writes, {} was refused: {}", who, why.message()), observe::Harm::kWrites);
  arm();
}

void SpaceWatch::arm() {
  const auto armed = services_.timers.arm(
      services_.shard, services_.clock.now() + kAskEvery, [](void* ctx) noexcept { static_cast<SpaceWatch*>(ctx)->due(); }, this);
  if (armed) return;
  services_.logger.error("it is not watched whether space comes back", {{"why", armed.error().text()}});
  full_.store(false, std::memory_order_release);  // the next refusal begins anew
}

void SpaceWatch::due() {
  const uint64_t before = refusals_.load(std::memory_order_acquire);
  services_.ask([this, before](const Status& status) { answered(before, status); });
}

void SpaceWatch::answered(uint64_t refusals_before, const Status& status) {
  const bool yes = status.ok() || (status.code() == ION_E_UNSUPPORTED && taken_.load(std::memory_order_relaxed));
  if (!yes || syncs_waiting_.load(std::memory_order_acquire) != 0 || refusals_.load(std::memory_order_acquire) != refusals_before) return arm();
  services_.health.clear(kHealthPart);
  full_.store(false, std::memory_order_release);
  // Who was refused just now took it for full still.
  if (refusals_.load(std::memory_order_acquire) != refusals_before && !full_.exchange(true, std::memory_order_acq_rel))
    return begin("a request", Status(ION_E_NO_SPACE, "no space"));
  services_.logger.info("serving for writes again: there is space");
}

}  // namespace ion::partition
