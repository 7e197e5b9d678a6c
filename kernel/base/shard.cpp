#include "base/shard.h"

#include "base/thread_place.h"

#include <fmt/format.h>

#include <system_error>

namespace ion::base {

Result<std::unique_ptr<Shard>> Shard::start(ShardId id, const ShardOptions& options) {
  if (options.tasks_max < 2 || options.tasks_max > (1U << 24))
    return Status(ION_E_INVALID, fmt::format("shard {}: wanted space for 2 to {} tasks, found {}", id.v, 1U << 24, options.tasks_max));
  std::unique_ptr<Shard> made(new Shard(id, options));
  try {
    made->thread_ = std::thread([shard = made.get()] { shard->live(); });
  } catch (const std::system_error& e) {
    return Status(ION_E_OVERLOADED, fmt::format("shard {}: wanted a thread: {}", id.v, e.what()));
  }
  return made;
}

Shard::Shard(ShardId id, const ShardOptions& options)
    : id_(id), gate_(options.tasks_max), queue_(options.tasks_max), waker_(options.spins) {}

Shard::~Shard() {
  gate_.close();
  gate_.wait_idle();
  end_thread();
}

Status Shard::post(ion_fn fn, void* ctx) noexcept {
  ION_ASSERT(fn != nullptr);
  const TaskGate::Entry entry = gate_.enter();
  if (entry != TaskGate::Entry::kOwner && entry != TaskGate::Entry::kBehindOthers) return refused(entry);
  enqueue({fn, ctx});
  if (entry == TaskGate::Entry::kOwner) waker_.call();
  return {};
}

Status Shard::run(ion_fn fn, void* ctx) noexcept {
  if (!gate_.enter_idle()) return post(fn, ctx);
  // A caller that comes from a shard has work of its own waiting behind it: it runs its task and no other.
  const uint32_t further = current_place().word == ION_WORD_SHARD ? 0 : kInlineTasksMax;
  const PlaceScope here({ION_WORD_SHARD, id_.v});
  fn(ctx);
  if (gate_.leave()) run_inline(further);
  return {};
}

Status Shard::refused(TaskGate::Entry why) const {
  if (why == TaskGate::Entry::kClosed) return Status(ION_E_CLOSED, fmt::format("shard {} is stopped", id_.v));
  return Status(ION_E_OVERLOADED, fmt::format("shard {}: its queue of {} tasks is full", id_.v, gate_.bound()));
}

void Shard::enqueue(Task task) noexcept {
  // The gate admits no more than the queue holds, so "full" can only be a cell whose release this thread does not see yet.
  while (!queue_.push(std::move(task))) relax();
}

// Owns the shard, and at least one task is queued or about to be.
void Shard::run_inline(uint32_t tasks_max) noexcept {
  for (uint32_t n = 0; n < tasks_max; ++n) {
    const std::optional<Task> task = queue_.pop();
    if (!task) break;  // counted and not yet queued: its producer was preempted; the shard's thread has the time to wait for it
    task->fn(task->ctx);
    if (!gate_.leave()) return;
  }
  waker_.call();
}

void Shard::serve() noexcept {
  for (;;) {
    const std::optional<Task> task = queue_.pop();
    if (!task) {
      std::this_thread::yield();  // counted and not yet queued
      continue;
    }
    task->fn(task->ctx);
    if (!gate_.leave()) return;
  }
}

void Shard::live() {
  name_this_thread(fmt::format("ion-shard-{}", id_.v).c_str());
  const PlaceScope here({ION_WORD_SHARD, id_.v});
  for (;;) {
    waker_.wait();
    if (ending_.load(std::memory_order_acquire)) return;
    serve();
  }
}

Status Shard::drain(Nanos limit) {
  ION_ASSERT(current_place().word != ION_WORD_SHARD);  // it would wait for itself
  if (!gate_.wait_idle(limit))
    return Status(ION_E_DEADLINE, fmt::format("shard {}: {} tasks have not ended within {} ms", id_.v, gate_.inside(), limit.n / 1'000'000));
  end_thread();
  return {};
}

// The gate is closed and empty: nobody gives the thread the shard any more.
void Shard::end_thread() {
  if (!thread_.joinable()) return;
  ending_.store(true, std::memory_order_release);
  waker_.call();
  thread_.join();
}

}  // namespace ion::base
