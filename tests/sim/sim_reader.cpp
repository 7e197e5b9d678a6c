#include "sim/sim_reader.h"

#include <fmt/format.h>
#include <ion/record_reader.h>

namespace ion::sim {
namespace {

ExchangeOf<Verb::fetch> fetch_from(const PartitionName& partition, int64_t offset, Nanos wait) {
  auto x = std::make_shared<Exchange<Verb::fetch>>(partition.topic);
  x->request.topic = bytes_of(x->topic), x->request.partition = partition.partition, x->request.offset = offset;
  x->request.bytes_max = 64 << 10, x->request.bytes_min = 1, x->request.wait_ns = static_cast<uint64_t>(wait.n);
  return x;
}

// Every record at or behind `from`, and the ranges that no record fills.
void tell(History& history, uint64_t log, const Bufs& bufs, int64_t& from, History::Ranges* holes) {
  for (const Buf& buf : bufs) {
    for (uint64_t at = 0; at < buf.size();) {
      const std::span<const uint8_t> rest(buf.data() + at, buf.size() - at);
      const batch::Header header = batch::read_header(rest.data());
      auto reader = batch::RecordReader::open(rest.first(header.total_bytes()));
      if (!reader) return history.fail(fmt::format("a batch at {} cannot be read: {}", header.base_offset.v, reader.error().text()));
      for (auto record = reader->next(); record.has_value() && record->has_value(); record = reader->next()) {
        const batch::Record& r = **record;
        if (r.offset.v < from) continue;
        if (r.offset.v > from && holes != nullptr) holes->emplace_back(from, r.offset.v);
        history.read(log, r.offset.v, text_of(r.value.value_or(std::span<const uint8_t>())));
        from = r.offset.v + 1;
      }
      at += header.total_bytes();
    }
  }
}
}  // namespace

void SimFollower::follow(uint64_t log, int64_t from) {
  log_ = log, at_ = from, life_ = broker_.life(), follows_ = true;
  fetch();
}

void SimFollower::fetch() {
  if (!broker_.is_up() || broker_.life() != life_) return;
  ++asked_;
  const auto x = fetch_from(partition_, at_, milliseconds(static_cast<int64_t>(stage_.clients.between(50, 25'000))));
  broker_.send<Verb::fetch>(x, [self = shared_from_this(), x] { self->answered(x); }, microseconds(static_cast<int64_t>(stage_.clients.between(20, 500))));
}

void SimFollower::answered(const ExchangeOf<Verb::fetch>& x) {
  const Code code = x->outcome.status.code();
  if (x->outcome.status.ok()) tell(history_, log_, x->outcome.bufs, at_, nullptr), at_ = std::max(at_, x->answer.next);
  else if (code == ION_E_OUT_OF_RANGE) at_ = std::max(at_, x->answer.log_start);
  else if (code == ION_E_CORRUPT && x->answer.next > at_) at_ = x->answer.next;
  const bool failed = !x->outcome.status.ok();
  ++asked_;  // this one is answered
  if (!failed) return fetch();
  stage_.agenda.after(milliseconds(100), [self = shared_from_this()] { self->fetch(); });
}

void SimFollower::acknowledged(uint64_t log, int64_t offset) {
  if (!follows_ || log != log_ || offset < at_ || life_ != broker_.life()) return;
  stage_.agenda.after(kOwedWithin, [self = shared_from_this(), asked = asked_, life = life_, offset, at = at_] {
    if (self->asked_ != asked || self->broker_.life() != life || !self->broker_.is_up() || self->broker_.crashed()) return;
    self->history_.fail(fmt::format("{}: a reader waits at {} although {} was acknowledged {} ms ago", self->partition_.text(), at, offset, kOwedWithin.n / 1'000'000));
  });
}

bool scan(SimBroker& broker, History& history, const PartitionName& partition, uint64_t log, int64_t from, int64_t end) {
  History::Scan scan{log, {}, {}};
  for (int64_t at = from; at < end;) {
    const auto x = fetch_from(partition, at, {});
    if (!broker.ask<Verb::fetch>(x)) return false;
    if (x->outcome.status.code() == ION_E_CORRUPT) {
      if (x->answer.next <= at) return history.fail(fmt::format("{}@{}: damaged, and nobody says how to go on: {}", partition.text(), at, x->outcome.status.text())), false;
      scan.damaged.emplace_back(at, x->answer.next);
      scan.holes.emplace_back(at, x->answer.next);
      at = x->answer.next;
      continue;
    }
    if (!x->outcome.status.ok()) return false;
    const int64_t before = at;
    tell(history, log, x->outcome.bufs, at, &scan.holes);
    if (at == before) return history.fail(fmt::format("{}@{}: nothing comes, and the partition ends at {}", partition.text(), at, end)), false;
  }
  history.scanned(scan);
  return true;
}

}  // namespace ion::sim
