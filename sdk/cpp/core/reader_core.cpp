#include "core/reader_core.h"

#include <fmt/format.h>

#include <algorithm>

namespace ion::client {

using namespace read;

namespace {
constexpr BackoffLimits kBackoff{milliseconds(50), seconds(1)};
constexpr uint64_t kCreditFrames = 2;  // a stream always may send so many frames
}  // namespace

Actions ReaderCore::step(const Event& event, Instant now) {
  Actions out;
  if (failed_.ok()) std::visit([&](const auto& e) { on(e, now, out); }, event);
  const bool hot = std::holds_alternative<FrameArrived>(event) || std::holds_alternative<Taken>(event);
  if (!hot || wake_at_ <= now || !out.subscribe.empty()) wake_at_ = scan_deadlines(now);
  return out;
}

void ReaderCore::on(const Started&, Instant now, Actions& out) {
  lost_since_ = now;
  want_metadata(out);
}

void ReaderCore::on(const MetadataArrived& e, Instant now, Actions& out) {
  asking_metadata_ = in_doubt_ = false;
  ask_failures_ = 0;
  learnt_at_ = now;
  if (e.topic_id != Uuid{} && topic_id_ != Uuid{} && e.topic_id != topic_id_ && !begin_again(e, out)) return;
  if (e.topic_id != Uuid{}) topic_id_ = e.topic_id;
  if (partitions_.empty()) {
    choose(e.partitions);
    if (!failed_.ok()) return;
  } else if (wants_added()) {
    add_new(e.partitions);
  }
  for (const MetadataCache::Leader& l : e.partitions)
    if (Partition* p = find(l.partition)) p->leader = l.address;
  ask_offsets(out);
  place(now, out);
}

// Offsets of the old topic say nothing about the new one. False: the reader has failed.
bool ReaderCore::begin_again(const MetadataArrived& e, Actions& out) {
  const std::string what = fmt::format("topic {} was deleted and made again (it was {}, it is {})", options_.topic, topic_id_.text(), e.topic_id.text());
  if (options_.reset == Reset::kFail || is_bounded()) {
    fail({ION_E_CONFLICT, what + ": its records are others, and the offsets that were read do not belong to them", std::string(kTopicRecreated)}, out);
    return false;
  }
  out.recreated = what + (options_.reset == Reset::kStart ? ": reading begins at its start" : ": reading goes on at its end");
  for (const auto& [id, s] : streams_) out.cancel.push_back(id);
  streams_.clear();
  partitions_.clear();
  asking_offsets_ = false;
  restarted_ = true;
  return true;
}

// The partitions that were asked for, or all.
void ReaderCore::choose(const std::vector<MetadataCache::Leader>& there) {
  std::vector<int32_t> wanted = options_.partitions;
  if (wanted.empty())
    for (const MetadataCache::Leader& l : there) wanted.push_back(l.partition.v);
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  for (const int32_t id : wanted) {
    if (id < 0 || static_cast<size_t>(id) >= there.size()) {
      Actions none;
      return fail({ION_E_NOT_FOUND, fmt::format("{} has partitions 0 to {}, not {}", options_.topic, there.size() - 1, id), "PARTITION_NOT_FOUND"}, none);
    }
    Partition p;
    p.id = {id};
    const ReaderOptions::At* at = restarted_ ? nullptr : asked(p.id);
    if (at != nullptr && at->until >= 0) p.until = Offset{at->until};
    if (!needs_bounds(p)) {
      p.position = {at != nullptr ? at->offset : options_.offset};
      p.is = p.until && p.position >= *p.until ? Partition::Is::kDone : Partition::Is::kUnplaced;
    }
    partitions_.push_back(std::move(p));
  }
}

// Nobody has asked for an offset of them, and what they hold came after everything that was asked for.
void ReaderCore::add_new(const std::vector<MetadataCache::Leader>& there) {
  for (size_t id = partitions_.size(); id < there.size(); ++id) {
    Partition p;
    p.id = {static_cast<int32_t>(id)};
    p.added = true;
    partitions_.push_back(std::move(p));
  }
}

bool ReaderCore::is_bounded() const {
  return options_.stop_at_end || std::any_of(options_.offsets.begin(), options_.offsets.end(), [](const auto& at) { return at.until >= 0; });
}

bool ReaderCore::needs_bounds(const Partition& p) const {
  return restarted_ || options_.stop_at_end || (asked(p.id) == nullptr && options_.from != ReaderOptions::From::kOffset);
}

const ReaderOptions::At* ReaderCore::asked(PartitionId id) const {
  for (const ReaderOptions::At& at : options_.offsets)
    if (at.partition == id.v) return &at;
  return nullptr;
}

void ReaderCore::ask_offsets(Actions& out) {
  if (asking_offsets_) return;
  for (const Partition& p : partitions_)
    if (p.is == Partition::Is::kNeedsOffsets) out.list_offsets.push_back(p.id.v);
  asking_offsets_ = !out.list_offsets.empty();
}

void ReaderCore::on(const OffsetsArrived& e, Instant now, Actions& out) {
  asking_offsets_ = false;
  bool again = false;
  for (const OffsetsArrived::Bounds& b : e.bounds) {
    Partition* p = find(b.partition);
    if (p == nullptr || p->is != Partition::Is::kNeedsOffsets) continue;
    if (b.error.ok()) {
      begin(*p, b, out);
      continue;
    }
    const bool young = b.error.code() == ION_E_NOT_FOUND && ask_failures_ == 0;
    if (!young && doubts_topic(*p, b.error, now, out)) continue;
    lose(*p, b.error, now);
    if (young || tries_again(*p, {b.error, false, {}, {}})) again = true;
    else if (options_.on_lost == ReaderOptions::OnLost::kFail) return fail(b.error, out);
    else give_up(*p, out);
  }
  if (again) ask_at_ = now + backoff(kBackoff, ask_failures_++, e.random);
  else ask_failures_ = 0;
  place(now, out);
}

void ReaderCore::begin(Partition& p, const OffsetsArrived::Bounds& b, Actions& out) {
  found(p, out);
  const ReaderOptions::At* at = p.added ? nullptr : asked(p.id);
  if (p.added) p.position = b.start;
  else if (restarted_) p.position = options_.reset == Reset::kStart ? b.start : b.end;
  else if (at != nullptr) p.position = {at->offset};
  else if (options_.from == ReaderOptions::From::kOffset) p.position = {options_.offset};
  else p.position = options_.from == ReaderOptions::From::kStart ? b.start : b.end;
  p.at_start = p.added || (!restarted_ && at == nullptr && options_.from == ReaderOptions::From::kStart);
  if (options_.stop_at_end) p.until = p.until ? std::min(*p.until, b.end) : b.end;
  p.is = p.until && p.position >= *p.until ? Partition::Is::kDone : Partition::Is::kUnplaced;
}

void ReaderCore::on(const AskFailed& e, Instant now, Actions& out) {
  asking_metadata_ = asking_offsets_ = false;
  learnt_at_ = now;
  last_cause_ = e.failure.status;
  const bool young = e.failure.status.code() == ION_E_NOT_FOUND && ask_failures_ == 0;  // asked for twice, as producers do
  if (!young && e.failure.status.code() == ION_E_NOT_FOUND && topic_id_ != Uuid{})
    return fail({ION_E_NOT_FOUND, fmt::format("topic '{}' was deleted while it was read", options_.topic), e.failure.status.reason()}, out);
  if (!young && !worth_asking_again(e.failure, Repeat::kSafe)) return fail(e.failure.status, out);
  ask_at_ = now + backoff(kBackoff, ask_failures_++, e.random, e.failure.retry_after);
}

// One stream for all partitions of a leader that nobody reads yet.
void ReaderCore::place(Instant now, Actions& out) {
  std::map<std::string, std::vector<Partition*>> by_leader;
  conclude(out);
  if (!failed_.ok() || in_doubt_) return;
  for (Partition& p : partitions_) {
    if (p.is != Partition::Is::kUnplaced || now < p.retry_at) continue;
    if (p.leader.empty()) {
      p.retry_at = now + kBackoff.max;
      want_metadata(out);
    } else {
      by_leader[p.leader].push_back(&p);
    }
  }
  for (const auto& [leader, parts] : by_leader) {
    Subscribe s;
    s.stream = ++last_stream_;
    s.address = leader;
    s.topic_id = topic_id_;
    s.credit_bytes = std::max(options_.credit_bytes / (streams_.size() + by_leader.size()), kCreditFrames * options_.frame_bytes_max);
    for (Partition* p : parts) {
      s.parts.push_back({p->id, p->position});
      p->is = Partition::Is::kReading;
      p->stream = s.stream;
      p->placed_at = now;
    }
    streams_[s.stream] = {leader, {}, now, 0, s.credit_bytes, {}};
    out.subscribe.push_back(std::move(s));
  }
}

void ReaderCore::on(const FrameArrived& e, Instant now, Actions& out) {
  const auto at = streams_.find(e.stream);
  if (at == streams_.end()) return;
  Stream& s = at->second;
  s.last_frame = now;
  lost_since_.reset();
  if (!e.session.empty()) s.session = e.session;
  Partition* p = find(e.partition);
  const bool ours = p != nullptr && p->is == Partition::Is::kReading && p->stream == e.stream;
  if (ours && e.failure) return refuse(*p, e, now, out);
  if (!ours || e.next_offset <= p->position) {  // behind our end, or nothing new
    s.owed += e.bytes;
    return give_credit(e.stream, s, now, out);
  }
  p->failures = 0;
  p->doubted = false;
  found(*p, out);
  const Offset until = p->until ? std::min(e.next_offset, *p->until) : e.next_offset;
  if (e.bytes > 0) out.accept = Accept{p->position, until};
  advance(*p, until, out);
}

void ReaderCore::advance(Partition& p, Offset to, Actions& out) {
  ION_ASSERT(to > p.position);
  p.position = to, p.at_start = false;
  if (!p.until || p.position < *p.until) return;
  p.is = Partition::Is::kDone;
  conclude(out);
}

void ReaderCore::refuse(Partition& p, const FrameArrived& e, Instant now, Actions& out) {
  const Failure& f = *e.failure;
  if (f.status.code() == ION_E_OUT_OF_RANGE) return out_of_range(p, e, now, out);
  if (f.status.code() == ION_E_CORRUPT && options_.on_damage == ReaderOptions::OnDamage::kSkip && e.next_offset > p.position) return skip_damage(p, e, now, out);
  // Metadata will say which topic has the name now, if any.
  const bool elsewhere = f.status.reason() == kTopicRecreated || doubts_topic(p, f.status, now, out);
  if (!elsewhere) lose(p, f.status, now);
  if (!elsewhere && !tries_again(p, f)) {
    if (options_.on_lost == ReaderOptions::OnLost::kFail) return fail(f.status, out);
    give_up(p, out);
    return place(now, out);
  }
  if (!f.leader_hint.empty()) p.leader = f.leader_hint;
  unplace(p, f, e.random, now);
  want_metadata(out);
}

void ReaderCore::unplace(Partition& p, const Failure& cause, uint64_t random, Instant now) {
  p.is = Partition::Is::kUnplaced;
  p.stream = 0;
  p.retry_at = now + backoff(kBackoff, p.failures++, mix(random, static_cast<uint64_t>(p.id.v)), cause.retry_after);
  wake_at_ = std::min(wake_at_, p.retry_at);
  last_cause_ = cause.status;
}

void ReaderCore::on(const StreamEnded& e, Instant now, Actions& out) {
  if (streams_.erase(e.stream) == 0) return;
  const Status& why = e.cause.status;
  bool orphans = false;
  // All partitions of a stream wait equally long, so that they come back on one stream.
  const uint64_t random = e.random;
  for (Partition& p : partitions_) {
    if (p.is != Partition::Is::kReading || p.stream != e.stream) continue;
    orphans = true;
    p.is = Partition::Is::kUnplaced;
    p.retry_at = now + backoff(kBackoff, p.failures++, random, e.cause.retry_after);
  }
  if (!orphans) return;
  last_cause_ = why;
  if (!worth_asking_again(e.cause, Repeat::kSafe) && why.reason() != kTopicRecreated) return fail(why, out);
  if (!lost_since_) lost_since_ = now;
  want_metadata(out);
}

void ReaderCore::on(const Taken& e, Instant now, Actions& out) {
  const auto at = streams_.find(e.stream);
  if (at == streams_.end()) return;
  at->second.owed += e.bytes;
  give_credit(e.stream, at->second, now, out);
}

void ReaderCore::on(const CreditLost& e, Instant now, Actions&) {
  const auto at = streams_.find(e.stream);
  if (at == streams_.end()) return;
  at->second.owed += e.bytes;
  at->second.credit_at = now + kCreditRetry;
}

// In quarters: a call for each frame would cost as much as the frame.
void ReaderCore::give_credit(uint64_t id, Stream& s, Instant now, Actions& out) {
  if (s.owed == 0 || s.owed < s.credit / 4 || s.session.empty() || now < s.credit_at) return;
  out.credits.push_back({id, s.address, s.session, s.owed});
  s.owed = 0;
}

void ReaderCore::on(const Tick&, Instant now, Actions& out) {
  if (ask_at_.ns != 0 && now >= ask_at_) {
    ask_at_ = {};
    if (partitions_.empty() || in_doubt_) want_metadata(out);
    else ask_offsets(out);
  }
  if (wants_added() && !partitions_.empty() && now - learnt_at_ >= kMetadataAgeMax) want_metadata(out);
  for (auto& [id, s] : streams_) {
    give_credit(id, s, now, out);
    if (now - s.last_frame < kSilenceMax) continue;
    out.cancel.push_back(id);
    s.last_frame = now;  // StreamEnded follows
  }
  check_lost(now, out);
  place(now, out);
  const bool refused = std::any_of(partitions_.begin(), partitions_.end(), [](const Partition& p) { return p.lost_since && is_open(p); });
  if (!failed_.ok() || !lost_since_ || refused || options_.unreachable_timeout.n == 0 || now - *lost_since_ < options_.unreachable_timeout) return;
  fail({ION_E_CLOSED,
        fmt::format("{}: no broker served it for {} ms, last cause: {}", options_.topic, options_.unreachable_timeout.n / 1'000'000,
                    last_cause_.ok() ? "no answer" : last_cause_.text()),
        std::string(kUnreachable)}, out);
}

void ReaderCore::fail(Status why, Actions& out) {
  ION_ASSERT(!why.ok());
  failed_ = std::move(why);
  for (const auto& [id, s] : streams_) out.cancel.push_back(id);
  streams_.clear();
}

void ReaderCore::want_metadata(Actions& out) {
  if (asking_metadata_) return;
  asking_metadata_ = out.fetch_metadata = true;
}

ReaderCore::Partition* ReaderCore::find(PartitionId id) {
  const auto at = std::lower_bound(partitions_.begin(), partitions_.end(), id, [](const Partition& p, PartitionId v) { return p.id < v; });
  return at == partitions_.end() || at->id != id ? nullptr : &*at;
}

Instant ReaderCore::scan_deadlines(Instant now) const {
  Instant first = kNever;
  if (!failed_.ok() || finished_) return first;
  const auto consider = [&](Instant at) { first = std::min(first, std::max(at, now + nanoseconds(1))); };
  if (ask_at_.ns != 0) consider(ask_at_);
  if (wants_added() && !partitions_.empty() && !asking_metadata_) consider(learnt_at_ + kMetadataAgeMax);
  for (const Partition& p : partitions_) {
    if (p.is == Partition::Is::kUnplaced && !in_doubt_) consider(p.retry_at);
    if (!p.lost_since || !is_open(p)) continue;
    if (p.is == Partition::Is::kReading) consider(p.placed_at + kSettled);
    if (!p.told) consider(*p.lost_since + kTellAfter);
    if (gives_up_in_time(p)) consider(*p.lost_since + options_.unreachable_timeout);
  }
  for (const auto& [id, s] : streams_) {
    consider(s.last_frame + kSilenceMax);
    if (s.credit_at > now) consider(s.credit_at);
  }
  if (lost_since_ && options_.unreachable_timeout.n != 0) consider(*lost_since_ + options_.unreachable_timeout);
  return first;
}

}  // namespace ion::client
