#include "partition/producer_snapshots.h"

#include "partition/window_loader.h"

#include <utility>

namespace ion::partition {

struct ProducerSnapshots::Writing {
  std::vector<uint8_t> snapshot, bytes;
  ion_buf part{};
  ion_batch one{};  // borrowed by the append until its completion, as are bytes and part
  OnShard on_shard;
  std::function<void(Status)> done;
};

void ProducerSnapshots::write(std::vector<uint8_t> snapshot, OnShard on_shard, std::function<void(Status)> done) {
  auto writing = std::make_shared<Writing>();  // shared by the callbacks of one write
  writing->snapshot = std::move(snapshot);
  writing->on_shard = std::move(on_shard), writing->done = std::move(done);
  if (log_ != nullptr) return append(writing);
  open_([this, writing](Result<std::unique_ptr<Log>> opened) {
    auto kept = std::make_shared<Result<std::unique_ptr<Log>>>(std::move(opened));  // shared: std::function copies
    writing->on_shard([this, writing, kept] {
      if (!*kept) return writing->done(kept->error());
      log_ = std::move(**kept);
      next_ = log_->stat().next;
      append(writing);
    });
  });
}

void ProducerSnapshots::append(const std::shared_ptr<Writing>& w) {
  w->bytes = snapshot_batch(next_, std::exchange(w->snapshot, {}));
  w->part = borrowed(w->bytes);
  w->one = {next_.v, next_.v + 1, 0, 0, 1, &w->part};
  call([&](Op& op) { return log_->append(op, std::span<const ion_batch>(&w->one, 1)); },
       [this, w](const ion_result& r) {
         w->on_shard([this, w, status = Status::from(r.status, r.err)] {
           if (status.ok()) cut(w);
           else w->done(status);
         });
       });
}

// Durable first, since what it stands for may go then (a storage that keeps nothing says UNSUPPORTED). The newest stands for all before
// it: a refusal to take those away only costs space.
void ProducerSnapshots::cut(const std::shared_ptr<Writing>& w) {
  const Offset newest = std::exchange(next_, next_ + 1);
  call([&](Op& op) { return log_->sync(op, newest + 1); }, [this, w, newest](const ion_result& r) {
    w->on_shard([this, w, newest, synced = Status::from(r.status, r.err)] {
      if (!synced.ok() && synced.code() != ION_E_UNSUPPORTED) return w->done(synced);
      call([&](Op& op) { return log_->truncate_prefix(op, newest); }, [w](const ion_result&) { w->on_shard([w] { w->done({}); }); });
    });
  });
}

void ProducerSnapshots::close(std::function<void(Status)> done) {
  if (log_ == nullptr) return done({});
  call([&](Op& op) { return log_->close(op); }, [done = std::move(done)](const ion_result& r) { done(Status::from(r.status, r.err)); });
}

}  // namespace ion::partition
