#include "reader_session.h"

#include <chrono>

#include "admin/offsets.h"
#include "core/wire.h"
#include "grpc_glue.h"
#include "produce_codec.h"
#include "runtime.h"
#include "status_codec.h"

namespace ion::client {

using namespace read;

class ReaderSession::Subscription final : public StreamCall::Owner {
 public:
  Subscription(std::weak_ptr<ReaderSession> session, uint64_t stream) : session_(std::move(session)), stream_(stream) {}

  void opened() override {}
  void written(uint64_t) override {}
  void received(const grpc::ByteBuffer& message) override {
    const auto s = session_.lock();
    if (!s) return;
    if (!std::exchange(heard_, true)) s->runtime_->note_served();
    s->received(stream_, message);
  }
  void closed(Failure why) override {
    const auto s = session_.lock();
    if (!s) return;
    {
      const std::lock_guard lock(s->mutex_);
      s->streams_.erase(stream_);
    }
    s->step(StreamEnded{stream_, std::move(why), s->runtime_->driver()->random()});
  }

 private:
  const std::weak_ptr<ReaderSession> session_;
  const uint64_t stream_;
  bool heard_ = false;
};

ReaderSession::ReaderSession(std::shared_ptr<Runtime> runtime, const ReaderOptions& options)
    : runtime_(std::move(runtime)), options_(options), core_(options) {}

void ReaderSession::start() {
  runtime_->driver()->add(weak_from_this());
  step(Started{});
}

Actions ReaderSession::step_locked(const Event& event) {
  Actions actions = core_.step(event, Driver::now());
  runtime_->driver()->wake_by(core_.wake_at());
  if (!actions.notices.empty()) ++telling_;
  else if (ended_locked()) changed_.notify_all();
  return actions;
}

void ReaderSession::step(const Event& event) {
  Actions actions;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    actions = step_locked(event);
  }
  obey(std::move(actions));
}

void ReaderSession::obey(Actions actions) {
  for (const uint64_t stream : actions.cancel) reset(stream);
  for (const Subscribe& s : actions.subscribe) subscribe(s);
  for (const read::Credit& c : actions.credits) give_credit(c);
  if (!actions.list_offsets.empty()) list_offsets(std::move(actions.list_offsets));
  if (actions.fetch_metadata) fetch_metadata();
  for (Notice& notice : actions.notices) runtime_->tell({notice.what, options_.topic, std::move(notice.text), notice.gap});
  if (!actions.notices.empty()) {
    const std::lock_guard lock(mutex_);
    --telling_;
    changed_.notify_all();
  }
  if (!actions.recreated.empty()) runtime_->tell({ClientEvent::What::kRecreated, options_.topic, std::move(actions.recreated)});
}

void ReaderSession::received(uint64_t stream, const grpc::ByteBuffer& message) {
  Result<wire::Frame> frame = wire::read_frame(dump(message).pieces);
  if (!frame) return reset(stream);
  FrameArrived told;
  told.stream = stream;
  told.partition = frame->partition;
  told.next_offset = frame->next_offset, told.log_start = frame->log_start, told.high_watermark = frame->high_watermark;
  told.bytes = frame->records.size();
  told.session = std::move(frame->session);
  if (!frame->error.empty()) told.failure = decode_error_detail(frame->error), told.random = runtime_->driver()->random();
  Actions actions;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    actions = step_locked(told);
    if (actions.accept) {
      const RecordSet::Range range{actions.accept->from, actions.accept->until};
      ready_.push_back({stream, RecordSet(frame->partition, frame->log, std::move(frame->records), range)});
      if (ready_.size() == 1) changed_.notify_all();
    }
  }
  obey(std::move(actions));
}

Result<std::optional<RecordSet>> ReaderSession::next(Nanos timeout) {
  Actions actions;
  std::optional<RecordSet> out;
  {
    std::unique_lock lock(mutex_);
    const auto something = [&] { return !ready_.empty() || cancelled_ || ended_locked(); };
    if (!something()) changed_.wait_for(lock, std::chrono::nanoseconds(timeout.n), something);
    if (cancelled_) return Status(ION_E_CANCELLED, options_.topic + ": reading was cancelled");
    if (ready_.empty()) {
      if (ended_locked() && !core_.failed().ok()) return core_.failed();
      return std::optional<RecordSet>();
    }
    Waiting& front = ready_.front();
    const Taken taken{front.stream, front.records.bytes()};
    out.emplace(std::move(front.records));
    ready_.pop_front();
    actions = step_locked(taken);
  }
  obey(std::move(actions));
  return out;
}

bool ReaderSession::finished() const {
  const std::lock_guard lock(mutex_);
  return ready_.empty() && ended_locked() && core_.finished();
}

std::vector<LostPartition> ReaderSession::lost() const {
  const std::lock_guard lock(mutex_);
  return core_.lost();
}

uint64_t ReaderSession::missed() const {
  const std::lock_guard lock(mutex_);
  return core_.missed();
}

void ReaderSession::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  changed_.notify_all();
}

void ReaderSession::close() {
  std::map<uint64_t, std::shared_ptr<StreamCall>> streams;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    streams = streams_;
    ready_.clear();
  }
  for (const auto& [id, call] : streams) call->cancel();
}

void ReaderSession::reset(uint64_t stream) {
  const std::lock_guard lock(mutex_);
  if (const auto at = streams_.find(stream); at != streams_.end()) at->second->cancel();
}

void ReaderSession::subscribe(const Subscribe& wanted) {
  const auto owner = std::make_shared<Subscription>(weak_from_this(), wanted.stream);  // shared with the stream
  const std::string request = codec::encode_subscribe(options_.topic, wanted, options_.frame_bytes_max);
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  const auto call = StreamCall::start(runtime_->driver(), runtime_->target({wanted.address, Lane::kBulk}, "/ionstream.v1.Broker/Subscribe"), owner);
  if (!call) return;
  call->enqueue(buffer_of(request), 0, StreamCall::Then::kHalfClose);
  call->flush();  // if it has opened meanwhile
  streams_[wanted.stream] = call;
}

void ReaderSession::fetch_metadata() {
  runtime_->find_leaders(options_.topic, [weak = weak_from_this()](Runtime::Leaders found) {
    const auto self = weak.lock();
    if (!self) return;
    if (found.failure.status.ok()) self->step(MetadataArrived{std::move(found.leaders), found.topic_id});
    else self->step(AskFailed{std::move(found.failure), self->runtime_->driver()->random()});
  });
}

// Both ends of every partition: first the starts, then the ends.
void ReaderSession::list_offsets(std::vector<int32_t> partitions) {
  const auto ask = [this, weak = weak_from_this(), partitions](OffsetOf what, std::function<void(std::vector<PartitionOffset>)> done) {
    ask_offsets(*runtime_, options_.topic, partitions, what, [weak, partitions, done = std::move(done)](Failure failure, std::vector<PartitionOffset> offsets) {
      const auto self = weak.lock();
      if (!self) return;
      if (failure.status.ok()) return done(std::move(offsets));
      // A broker that answers speaks of the partitions; where none does, there is nobody to read from.
      if (failure.status.reason() == kNotReady || !worth_asking_again(failure, Repeat::kSafe)) {
        OffsetsArrived refused;
        for (const int32_t partition : partitions) refused.bounds.push_back({{partition}, {}, {}, failure.status});
        refused.random = self->runtime_->driver()->random();
        return self->step(refused);
      }
      self->step(AskFailed{std::move(failure), self->runtime_->driver()->random()});
    });
  };
  ask(OffsetOf::kStart, [weak = weak_from_this(), ask](std::vector<PartitionOffset> starts) {
    ask(OffsetOf::kEnd, [weak, starts = std::move(starts)](const std::vector<PartitionOffset>& ends) {
      const auto self = weak.lock();
      if (!self) return;
      OffsetsArrived arrived;
      for (const PartitionOffset& s : starts)
        for (const PartitionOffset& e : ends)
          if (s.partition == e.partition) arrived.bounds.push_back({s.partition, s.offset, e.offset, s.error.ok() ? e.error : s.error});
      arrived.random = self->runtime_->driver()->random();
      self->step(arrived);
    });
  });
}

void ReaderSession::give_credit(const read::Credit& credit) {
  runtime_->ask_at(credit.address, {"/ionstream.v1.Broker/Credit", codec::encode_credit(credit.session, credit.bytes), runtime_->options().request_timeout},
                   [weak = weak_from_this(), stream = credit.stream, bytes = credit.bytes](Reply reply) {
                     const auto self = weak.lock();
                     if (self && !reply.failure.status.ok()) self->step(CreditLost{stream, bytes});
                   });
}

Instant ReaderSession::wake_at() {
  const std::lock_guard lock(mutex_);
  return closed_ ? ReaderCore::kNever : core_.wake_at();
}

void ReaderSession::tick(Instant) { step(Tick{}); }

}  // namespace ion::client
