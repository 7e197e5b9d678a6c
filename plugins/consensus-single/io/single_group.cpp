#include "io/single_group.h"

#include <ion/record_reader.h>
#include <ion/record_writer.h>
#include <ion/repeat.h>

#include <algorithm>
#include <utility>

namespace ion::consensus_single {

namespace {
constexpr std::string_view kTermKey = "term";
constexpr uint64_t kReplayBytes = 1u << 20;
constexpr Nanos kRetryBusy = milliseconds(1), kRetryFullFirst = milliseconds(10), kRetryFullLast = seconds(1);

// The log is as it was: nothing was tried, or nothing was kept.
bool left_nothing(const Status& status) { return status.code() == ION_E_NO_SPACE || status.code() == ION_E_OVERLOADED; }

std::vector<uint8_t> entry_batch(uint64_t index, uint64_t term, std::span<const ion_buf> parts) {
  std::vector<uint8_t> command(bytes_in(parts));
  copy_out(parts, 0, command.size(), command.data());
  batch::RecordWriter writer(command.size() + 16);
  batch::NewRecord record;
  record.value = std::span<const uint8_t>(command);
  writer.append(record);
  std::vector<uint8_t> bytes = writer.finish();
  batch::write_prefix(bytes.data(), Offset{static_cast<int64_t>(index)}, batch::read_header(bytes.data()).length, Epoch{static_cast<int32_t>(term)});
  return bytes;
}
}  // namespace

SingleGroup::SingleGroup(GroupServices world, std::shared_ptr<Storage> storage, const GroupSpec& spec)
    : world_(world), storage_(std::move(storage)), name_(spec.name), shard_(spec.shard), node_(spec.node),
      volatile_((storage_->caps() & ION_STORAGE_VOLATILE) != 0), machine_(*spec.machine) {}

void SingleGroup::on_shard(std::function<void()> work) {
  const Status given = post(world_.executor, shard_, work);
  if (given.ok() || given.code() == ION_E_CLOSED) return;
  // The shard's queue is full of requests; a continuation may not be lost, so it comes again a little later from the timers.
  struct Retry {
    std::shared_ptr<SingleGroup> self;
    std::function<void()> work;
  };
  auto* retry = new Retry{shared_from_this(), std::move(work)};
  const auto armed = world_.timers.arm(
      shard_, world_.clock.now() + milliseconds(1),
      [](void* ctx) noexcept {
        const std::unique_ptr<Retry> mine(static_cast<Retry*>(ctx));
        mine->work();
      },
      retry);
  if (armed) return;
  world_.logger.error("consensus work was refused", {{"group", name_}, {"why", armed.error().text()}});
  delete retry;
}

void SingleGroup::open(GroupServices world, std::shared_ptr<Storage> storage, const GroupSpec& spec, Opened done) {
  std::shared_ptr<SingleGroup> self(new SingleGroup(world, std::move(storage), spec));
  OpenOptions options;
  options.exact_mark = true;
  options.segment_bytes = 1 << 20;
  call([&](Op& op) { return self->storage_->open(op, "raft/" + self->name_, options, &self->log_); },
       [self, done = std::move(done)](const ion_result& r) {
         if (r.status != ION_OK) return done(Status::from(r.status, r.err));
         self->on_shard([self, done] { self->log_opened(done); });
       });
}

// The log is given back before the answer: the storage would keep it open for ever.
void SingleGroup::refuse_open(Opened done, const Status& why) {
  stop_term_timer();
  refused_ = true;
  if (writing_term_) {  // a log is not closed under what it does
    refusal_ = [self = shared_from_this(), done = std::move(done), why] { self->refuse_open(done, why); };
    return;
  }
  call([&](Op& op) { return log_->close(op); }, [self = shared_from_this(), done = std::move(done), why](const ion_result&) { done(why); });
}

void SingleGroup::log_opened(Opened done) {
  const LogStat stat = log_->stat();
  if (stat.damaged)
    return refuse_open(std::move(done), Status(ION_E_CORRUPT, "raft/" + name_ + ": entries " + std::to_string(stat.bad_from.v) + " to " + std::to_string(stat.bad_upto.v) +
                                          " are damaged and there is no other copy"));
  call([&](Op& op) { return log_->meta_get(op, kTermKey); },
       [self = shared_from_this(), done = std::move(done)](const ion_result& r) {
         const Outcome got = Outcome::from(r);
         uint64_t term = 0;
         if (got.status.ok() && !got.bufs.empty() && got.bufs.front().size() == 8) term = batch::load_big<uint64_t>(got.bufs.front().data());
         self->on_shard([self, done, term, status = got.status] {
           if (!status.ok() && status.code() != ION_E_NOT_FOUND) return self->refuse_open(done, status);
           self->term_ = term + 1;
           self->begin_term(done);
         });
       });
}

// A full disk does not keep the group from opening: what is there is served, and proposals wait for the term.
void SingleGroup::begin_term(Opened done) {
  write_term([self = shared_from_this(), done = std::move(done)](const Status& written) {
    if (!written.ok() && !left_nothing(written)) return self->refuse_open(done, written);
    self->replay(done);
  });
}

// `done` on the shard.
void SingleGroup::write_term(std::function<void(const Status&)> done) {
  struct Term {
    std::array<uint8_t, 8> value{};
    ion_field item{};
  };
  writing_term_ = true;
  auto term = std::make_shared<Term>();  // borrowed by the op until its completion
  batch::store_big<uint64_t>(term->value.data(), term_);
  term->item = {bytes_of(kTermKey), {term->value.data(), term->value.size()}};
  call([&](Op& op) { return log_->meta_put(op, std::span<const ion_field>(&term->item, 1)); },
       [self = shared_from_this(), term, done = std::move(done)](const ion_result& r) {
         self->on_shard([self, done, status = Status::from(r.status, r.err)] {
           self->writing_term_ = false;
           self->term_durable_ = status.ok();
           if (self->refusal_) return std::exchange(self->refusal_, nullptr)();
           if (status.ok()) self->takes_entries();
           else self->takes_none(status);
           if (left_nothing(status)) self->write_term_later();
           done(status);
         });
       });
}

void SingleGroup::write_term_later() {
  if (closed_ || refused_ || term_timer_ != nullptr) return;
  const Nanos after = std::exchange(term_retry_, std::min(kRetryFullLast, Nanos{2 * term_retry_.n}));
  const auto armed = world_.timers.arm(
      shard_, world_.clock.now() + after,
      [](void* ctx) noexcept {
        auto* const self = static_cast<SingleGroup*>(ctx);
        self->term_timer_ = nullptr;
        if (!self->term_durable_ && !self->writing_term_) self->try_term();
      },
      this);  // disarmed before the log is closed
  if (armed) term_timer_ = *armed;  // else the next proposal tries
}

void SingleGroup::stop_term_timer() {
  if (term_timer_ != nullptr) (void)world_.timers.disarm(std::exchange(term_timer_, nullptr));
}

// Of a group that is open: its proposals wait for the term.
void SingleGroup::try_term() {
  write_term([self = shared_from_this()](const Status& status) {
    if (self->core_ == nullptr || self->core_->failed()) return self->maybe_close();
    if (!status.ok()) return self->withdraw(status);
    self->append_next();
    self->maybe_close();
  });
}

void SingleGroup::takes_none(const Status& why) {
  if (!std::exchange(refusing_, true)) world_.logger.warn("the metadata log takes no entries now", {{"group", name_}, {"why", why.text()}});
}

void SingleGroup::takes_entries() {
  if (std::exchange(refusing_, false)) world_.logger.info("the metadata log takes entries again", {{"group", name_}});
}

// Everything in the log is made durable once more, then applied: with one member what is in the log is what was decided.
void SingleGroup::replay(Opened done) {
  const LogStat stat = log_->stat();
  const auto first = static_cast<uint64_t>(std::max<int64_t>(stat.first.v, 1));
  core_ = std::make_unique<SingleCore>(first, std::max(first, static_cast<uint64_t>(stat.next.v)));
  opened_ = std::move(done);
  const Actions actions = core_->opened();
  if (actions.sync) return obey(actions);
  machine_.role(ION_ROLE_LEADER, term_, node_);
  std::exchange(opened_, nullptr)(shared_from_this());
}

Answer SingleGroup::propose(Op& op, std::span<const ion_buf> parts) {
  if (closed_) return op.refuse(Status(ION_E_CLOSED, "group " + name_ + " is closing"));
  if (core_->failed()) return op.refuse(failed_);
  if (pending_.size() >= world_.proposals_max)
    return op.refuse(Status(ION_E_OVERLOADED, "group " + name_ + ": " + std::to_string(pending_.size()) + " proposals wait already"));
  if (!sync_waits_.ok()) return op.refuse(sync_waits_);  // it could wait for long
  const uint64_t index = core_->propose();
  pending_.push_back({index, entry_batch(index, term_, parts), {}, {}, op.later()});
  pending_.back().part = borrowed(pending_.back().batch);
  if (!term_durable_ && !writing_term_) try_term();
  append_next();
  return op.pending();
}

// One append at a time: a failed one must not leave a hole in front of those behind it.
void SingleGroup::append_next() {
  if (!term_durable_ || appending_ || appended_count_ == pending_.size() || core_->failed()) return;
  appending_ = true;
  Pending& p = pending_[appended_count_];  // of a deque: its address stays while others come and go
  p.one = {static_cast<ion_offset>(p.index), static_cast<ion_offset>(p.index + 1), 0, static_cast<int32_t>(term_), 1, &p.part};
  call([&](Op& op) { return log_->append(op, std::span<const ion_batch>(&p.one, 1)); },
       [self = shared_from_this()](const ion_result& r) {
         self->on_shard([self, status = Status::from(r.status, r.err)] { self->appended(status); });
       });
}

void SingleGroup::appended(const Status& status) {
  appending_ = false;
  if (core_->failed()) return maybe_close();
  if (left_nothing(status)) return withdraw(status);
  if (!status.ok()) return fail(status);
  takes_entries();
  const uint64_t upto = pending_[appended_count_].index + 1;
  ++appended_count_;
  obey(core_->appended(upto));
  append_next();
}

// What is not in the log was never decided: it is answered, and its indexes are free again.
void SingleGroup::withdraw(const Status& why) {
  takes_none(why);
  core_->withdraw();
  std::deque<Pending> refused;
  for (; pending_.size() > appended_count_; pending_.pop_back()) refused.push_front(std::move(pending_.back()));
  const Status told(why.code(), "group " + name_ + ": " + why.message(), why.reason());
  for (Pending& p : refused) p.later.fail(told);
  maybe_close();
}

// Persist before apply: readable in one function.
void SingleGroup::obey(const Actions& actions) {
  if (actions.sync && volatile_) {
    on_shard([self = shared_from_this(), upto = actions.sync_upto] { self->synced({}, upto); });
  } else if (actions.sync) {
    sync(actions.sync_upto);
  }
  apply(actions.apply_from, actions.apply_upto);
}

void SingleGroup::sync(uint64_t upto) {
  call([&](Op& op) { return log_->sync(op, Offset{static_cast<int64_t>(upto)}); },
       [self = shared_from_this(), upto](const ion_result& r) {
         self->on_shard([self, upto, status = Status::from(r.status, r.err)] { self->synced(status, upto); });
       });
}

// Nothing was lost by it: the contract of the storage says so. A group that closes waits for no space.
void SingleGroup::sync_refused(uint64_t upto, const Status& why) {
  if (why.code() == ION_E_OVERLOADED) return sync_later(upto, kRetryBusy);
  if (closed_) return fail(why);
  if (opened_ != nullptr && sync_retry_ >= kRetryFullLast) return fail(why);  // a start ends in words after a second or two
  if (sync_waits_.ok()) {
    world_.logger.warn("the metadata log takes no entries now", {{"group", name_}, {"why", why.text()}});
    sync_waits_ = Status(ION_E_NO_SPACE, "group " + name_ + ": what was proposed before could not be made durable yet: " + why.message());
  }
  sync_later(upto, std::exchange(sync_retry_, std::min(kRetryFullLast, Nanos{2 * sync_retry_.n})));
}

void SingleGroup::sync_later(uint64_t upto, Nanos after) {
  struct Retry {
    std::shared_ptr<SingleGroup> self;
    uint64_t upto;
  };
  auto retry = std::make_unique<Retry>(Retry{shared_from_this(), upto});
  const auto armed = world_.timers.arm(
      shard_, world_.clock.now() + after,
      [](void* ctx) noexcept {
        const std::unique_ptr<Retry> mine(static_cast<Retry*>(ctx));
        if (!mine->self->core_->failed()) mine->self->sync(mine->upto);  // a group that failed meanwhile may have closed its log
      },
      retry.get());
  if (armed) (void)retry.release();
  else fail(armed.error());
}

void SingleGroup::synced(const Status& status, uint64_t durable) {
  if (left_nothing(status) && !core_->failed()) return sync_refused(durable, status);
  if (!status.ok()) return fail(status);
  if (!std::exchange(sync_waits_, {}).ok()) world_.logger.info("the metadata log takes entries again", {{"group", name_}});
  sync_retry_ = kRetryFullFirst;
  const Actions actions = core_->persisted(durable);
  if (opened_ == nullptr) {
    obey(actions);
    return maybe_close();
  }
  // The first sync after the start: what it covers is replayed from the log.
  const auto from = static_cast<int64_t>(actions.apply_from), upto = static_cast<int64_t>(actions.apply_upto);
  repeat([self = shared_from_this(), at = from, upto](auto again) mutable {
    if (self->opened_ == nullptr) return;  // failed meanwhile, and said so
    if (at >= upto) {
      self->machine_.role(ION_ROLE_LEADER, self->term_, self->node_);
      return std::exchange(self->opened_, nullptr)(self);
    }
    call([&](Op& op) { return self->log_->read(op, {at}, {upto}, kReplayBytes); },
         [self, &at, upto, again](const ion_result& r) mutable {
           auto got = std::make_shared<Outcome>(Outcome::from(r));  // shared: std::function copies
           self->on_shard([self, &at, upto, got, again]() mutable {
             if (!got->status.ok()) return self->fail(got->status);
             for (const Buf& b : got->bufs)
               if (const Status applied = self->apply_replayed(b.span()); !applied.ok()) return self->fail(applied);
             at = got->bufs.empty() ? upto : static_cast<int64_t>(got->u1);
             again();
           });
         });
  });
}

Status SingleGroup::apply_replayed(std::span<const uint8_t> bytes) {
  while (bytes.size() >= batch::kHeaderBytes) {
    auto reader = batch::RecordReader::open(bytes);
    if (!reader) return reader.error();
    const batch::Header& h = reader->header();
    auto record = reader->next();
    if (!record || !*record || !(*record)->value) return {ION_E_CORRUPT, "raft/" + name_ + ": entry " + std::to_string(h.base_offset.v) + " holds no command"};
    const Entry entry{static_cast<uint64_t>(h.base_offset.v), static_cast<uint64_t>(h.leader_epoch.v), *(*record)->value};
    machine_.apply(std::span<const Entry>(&entry, 1));
    bytes = bytes.subspan(h.total_bytes());
  }
  return {};
}

void SingleGroup::apply(uint64_t from, uint64_t upto) {
  while (from < upto) {
    ION_ASSERT(!pending_.empty() && pending_.front().index == from && appended_count_ > 0);
    Pending p = std::move(pending_.front());
    pending_.pop_front();
    --appended_count_;
    auto reader = batch::RecordReader::open(p.batch);
    ION_ASSERT(reader.has_value());
    const auto record = reader->next();
    ION_ASSERT(record && *record && (*record)->value);
    const Entry entry{p.index, term_, *(*record)->value};
    machine_.apply(std::span<const Entry>(&entry, 1));
    p.later.ok(p.index, term_);
    ++from;
  }
}

void SingleGroup::fail(const Status& status) {
  core_->fail();
  sync_waits_ = {};
  failed_ = Status(ION_E_FAILED, "group " + name_ + " takes no more: " + status.message());
  world_.logger.error("consensus group failed", {{"group", name_}, {"why", status.text()}});
  // The entry that failed may be on the disk or not; so may those behind it.
  const Status unknown(ION_E_UNKNOWN_OUTCOME, failed_.message());
  failed_entries_ = std::exchange(pending_, {});  // kept: an append on its way still reads one of them
  for (Pending& p : failed_entries_) p.later.fail(unknown);
  appended_count_ = 0;
  if (opened_) return refuse_open(std::exchange(opened_, nullptr), failed_);
  maybe_close();
}

Answer SingleGroup::close(Op& op) {
  auto later = std::make_shared<Later>(op.later());  // shared: std::function copies
  on_shard([self = shared_from_this(), later] {
    if (std::exchange(self->closed_, true)) return later->fail(Status(ION_E_CLOSED, "group " + self->name_ + " is closing already"));
    self->closing_ = std::move(*later);
    self->stop_term_timer();
    self->maybe_close();
  });
  return op.pending();
}

void SingleGroup::maybe_close() {
  if (!closing_ || !pending_.empty() || appending_ || writing_term_ || (!core_->idle() && !core_->failed())) return;
  call([&](Op& op) { return log_->close(op); },
       [self = shared_from_this(), later = std::move(closing_)](const ion_result& r) mutable { later.pass(r); });
}

GroupStat SingleGroup::stat() const {
  return {ION_ROLE_LEADER, term_, node_.v, core_->applied() - 1, core_->applied() - 1, core_->next() - 1};
}

}  // namespace ion::consensus_single
