#include "pipeline/produce_path.h"

#include "pipeline/batch_rules.h"

#include <fmt/format.h>
#include <ion/delete_horizon.h>
#include <ion/record_proof.h>

#include <algorithm>
#include <array>
#include <utility>

namespace ion::pipeline {

namespace {
Answer refuse(Op& op, ion_error_info* error, const Status& why) {
  explain_failure(error, why);
  return op.refuse(why);
}

bool is_text(std::string_view name) {
  batch::detail::FlatBytes bytes(span_of(name).data(), name.size());
  return bytes.take_utf8(name.size());
}

// `parts`: a batch of `count` records without compression that was proved. INVALID with the first record that has no key.
Status find_keys(std::span<const ion_buf> parts, int32_t count, std::string_view partition) {
  batch::detail::PartBytes at(parts, batch::kHeaderBytes);
  for (int32_t i = 0; i < count; ++i) {
    int64_t bytes = 0, skipped = 0, key = 0;
    uint8_t attributes = 0;
    (void)batch::detail::take_varint(at, 5, bytes);
    batch::detail::PartBytes body = at.first(static_cast<uint64_t>(bytes));
    (void)body.take_byte(attributes);
    (void)batch::detail::take_varint(body, 10, skipped);
    (void)batch::detail::take_varint(body, 5, skipped);
    (void)batch::detail::take_varint(body, 5, key);
    if (key < 0)
      return {ION_E_INVALID, fmt::format("record batch: record {} of {}: it has no key, which {} wants of every record (cleanup.policy=compact); an empty key is one", i, count, partition),
              "INVALID_RECORD"};
    at.skip(static_cast<uint64_t>(bytes));
  }
  return {};
}

Status check_topic_id(const cluster::TopicRecord& topic, ion_bytes wanted) {
  if (wanted.n == 0) return {};
  Uuid uuid;
  if (wanted.n != uuid.bytes.size()) return {ION_E_INVALID, fmt::format("topic {}: its id has 16 bytes, not {}", topic.name, wanted.n), "INVALID_TOPIC_ID"};
  std::copy_n(wanted.p, uuid.bytes.size(), uuid.bytes.begin());
  if (uuid == topic.uuid) return {};
  return {ION_E_CONFLICT, fmt::format("topic {} was deleted and made again: want {}, have {}", topic.name, uuid.text(), topic.uuid.text()), "TOPIC_RECREATED"};
}
}  // namespace

Status unknown_topic(std::string_view name) { return {ION_E_NOT_FOUND, fmt::format("topic '{}' is not there", name), "TOPIC_NOT_FOUND"}; }

Result<partition::PartitionPtr> find_partition(const cluster::MetadataView& view, std::string_view topic, PartitionId partition, ion_bytes topic_id, cluster::TopicEntryPtr* of) {
  const cluster::TopicEntryPtr entry = view.find(topic);
  if (of != nullptr) *of = entry;
  // A name that no topic can have is not repeated in the answer: its bytes need not be text.
  if (entry == nullptr && !is_text(topic)) return Status(ION_E_INVALID, "the topic name is not UTF-8", "INVALID_TOPIC");
  if (entry == nullptr) return unknown_topic(topic);
  ION_CHECK(check_topic_id(*entry->record, topic_id));
  if (partition.v < 0 || static_cast<size_t>(partition.v) >= entry->partitions.size())
    return Status(ION_E_NOT_FOUND, fmt::format("topic {}: want partition {}, have 0 to {}", topic, partition.v, entry->partitions.size() - 1), "PARTITION_NOT_FOUND");
  const cluster::ServedPartition& served = entry->partitions[static_cast<size_t>(partition.v)];
  partition::PartitionPtr found = served.get();
  if (found != nullptr) return found;
  const Status why = served.why();
  return why.ok() ? Result<partition::PartitionPtr>(served.get()) : why;  // OK: it was opened between the two questions
}

Answer ProducePath::produce(Op& op, const ion_produce_req& r, ion_produce_answer& a) {
  const std::span<const ion_buf> parts(r.parts, r.nparts);
  cluster::TopicEntryPtr topic;
  const auto to = find_partition(services_.view, text_of(r.topic), {r.partition}, r.topic_id, &topic);
  if (!to) return refuse(op, a.error, to.error());
  const uint64_t bytes = bytes_in(parts);
  if (const Status entered = services_.admission.enter(bytes); !entered.ok()) return refuse(op, a.error, entered);
  Admitted admitted(services_.admission, bytes);
  Buf opened;
  const To target{topic, *to};
  const Result<batch::Header> header = prove(r, target, admitted, opened);
  if (!header) return refuse(op, a.error, header.error());
  if (services_.interceptors.wants(Hook::kProduce)) return intercepted(op, target, *header, std::move(opened), r, a, std::move(admitted));
  return straight(op, *to, *header, r, a, std::move(admitted));
}

Result<batch::Header> ProducePath::prove(const ion_produce_req& r, const To& to, Admitted& admitted, Buf& opened) const {
  const std::span<const ion_buf> parts(r.parts, r.nparts);
  ION_CHECK(check_batch_size(to.topic->settings, to.topic->record->name, bytes_in(parts)));
  ION_TRY(const batch::Header h, batch::check(parts, services_.limits.batch_bytes_max, batch::From::kClient));
  if (batch::has_delete_horizon(h)) return Status(ION_E_INVALID, "record batch: the delete-horizon bit is the broker's", "CORRUPT_BATCH");
  if (h.codec() == 0) {
    ION_CHECK(batch::prove_records(parts, h, services_.limits.record_bytes_max));
    ION_CHECK(judge_records(r, to, parts));
    return h;
  }
  ION_TRY(Buf whole, services_.codecs.open(parts, h, [&](uint64_t bytes) { return admitted.grow(bytes); }));
  ION_CHECK(batch::prove_records({&whole.raw(), 1}, batch::read_header(whole.data()), services_.limits.record_bytes_max));
  ION_CHECK(judge_records(r, to, {&whole.raw(), 1}));
  if (services_.interceptors.needs_records(Hook::kProduce)) opened = std::move(whole);
  return h;
}

Status ProducePath::judge_records(const ion_produce_req& r, const To& to, std::span<const ion_buf> plain) const {
  if (to.partition->keys_wanted()) {
    std::array<uint8_t, batch::kHeaderBytes> raw;
    copy_out(plain, 0, raw.size(), raw.data());
    ION_CHECK(find_keys(plain, batch::read_header(raw.data()).count, to.partition->name()));
  }
  TimeCheck checked = check_times(to.topic->settings, to.topic->record->name, plain, services_.clock.wall());
  if (!checked.why.ok() && checked.record >= 0 && r.size >= sizeof(ion_produce_req) && r.each_outcome != nullptr) {
    const ion_record_outcome raw{sizeof raw, checked.record, checked.why.code(), 0, bytes_of(checked.why.message())};
    r.each_outcome(r.outcome_ctx, &raw);
  }
  return std::move(checked.why);
}

Answer ProducePath::straight(Op& op, const partition::PartitionPtr& to, const batch::Header& h, const ion_produce_req& r, ion_produce_answer& a,
                             Admitted admitted) {
  call([&](Op& inner) { return to->produce(inner, h, std::span<const ion_buf>(r.parts, r.nparts), r.acks, a); },
       [admitted = std::move(admitted), later = op.later()](const ion_result& result) mutable {
         admitted.leave();
         later.pass(result);
       });
  return op.pending();
}

// What an intercepted request keeps until its completion.
struct ProducePath::Intercepted {
  const ion_produce_req& request;  // the caller's, until completion
  ion_produce_answer& answer;
  cluster::TopicEntryPtr topic;  // that the batch goes to
  partition::PartitionPtr to;
  batch::Header header;
  Admitted admitted;
  Later later;
  ChainResult result;
  std::vector<uint8_t> mark;  // what a routed batch leaves where its producer sent it
  ion_buf part{};             // of `result.replaced` or of `mark`

  std::span<const ion_buf> one_part(const std::vector<uint8_t>& bytes) { return part = borrowed(bytes), std::span<const ion_buf>(&part, 1); }
  // What an interceptor still holds stays admitted: the run owns this by its question for more (RunOptions::admit), until the resume.
  void fail(const Status& why) {
    if (!result.message_kept) admitted.leave();
    if (result.kind == ChainResult::Kind::kRejected) tell_outcomes();
    explain_failure(answer.error, why);
    later.fail(why);
  }
  void pass(const ion_result& r) {
    if (r.status == ION_OK) tell_success();
    admitted.leave();
    later.pass(r);
  }
  void tell_success() {
    if (result.records_left == 0) answer.flags |= ION_PRODUCE_DROPPED;
    tell_outcomes();
  }
  // Which records are not stored, or because of which the batch is refused; before the completion.
  void tell_outcomes() {
    if (request.size < sizeof(ion_produce_req) || request.each_outcome == nullptr) return;
    for (const RecordOutcome& o : result.outcomes) {
      const ion_record_outcome raw{sizeof raw, o.index, o.why.code(), 0, bytes_of(o.why.message())};
      request.each_outcome(request.outcome_ctx, &raw);
    }
  }
};

Answer ProducePath::intercepted(Op& op, const To& to, const batch::Header& h, Buf opened, const ion_produce_req& r,
                                ion_produce_answer& a, Admitted admitted) {
  BatchInFlight seen = BatchInFlight::of(r);
  seen.header = h;
  seen.parts = std::span<const ion_buf>(r.parts, r.nparts);
  seen.opened = std::move(opened);
  auto in = std::make_shared<Intercepted>(Intercepted{r, a, to.topic, to.partition, h, std::move(admitted), op.later(), {}, {}, {}});
  services_.interceptors.run({Hook::kProduce, [in](uint64_t bytes) { return in->admitted.grow(bytes); }}, std::move(seen),
                             [this, in](ChainResult result) { after_interceptors(in, std::move(result)); });
  return op.pending();
}

void ProducePath::after_interceptors(const InterceptedPtr& in, ChainResult result) {
  in->result = std::move(result);
  if (in->result.kind == ChainResult::Kind::kRejected) return in->fail(in->result.why);
  if (in->result.records_left == 0 && !in->header.idempotent()) {
    in->answer.base = in->answer.next = -1;
    in->tell_success();
    in->admitted.leave();
    return in->later.ok(static_cast<uint64_t>(-1), static_cast<uint64_t>(-1));
  }
  if (!in->result.replaced.empty())
    if (const Status taken = take_edited(*in); !taken.ok())
      return in->fail(Status(ION_E_REJECTED, "what an interceptor made of the batch: " + taken.message(), taken.reason()));
  if (!in->result.topic.empty()) return route(in);
  if (const Status keyed = check_keys(*in, *in->to); !keyed.ok()) return in->fail(Status(ION_E_REJECTED, "what an interceptor made of the batch: " + keyed.message(), keyed.reason()));
  store(in);
}

Status ProducePath::check_keys(Intercepted& in, const partition::Partition& to) const {
  if (in.result.replaced.empty() || !to.keys_wanted()) return {};
  const std::span<const ion_buf> part = in.one_part(in.result.replaced);
  const batch::Header made = batch::read_header(in.result.replaced.data());
  if (made.codec() == 0) return find_keys(part, made.count, to.name());
  ION_TRY(const Buf whole, services_.codecs.open(part, made, [&in](uint64_t bytes) { return in.admitted.grow(bytes); }));
  return find_keys({&whole.raw(), 1}, made.count, to.name());
}

// What an interceptor made is held to the same bounds; its offset deltas may have gaps. It leaves with the codec that it came with.
Status ProducePath::take_edited(Intercepted& in) const {
  const batch::Header made = batch::read_header(in.result.replaced.data());
  if (made.codec() == 0)  // else nobody looked at its records: they are what was proved
    ION_CHECK(batch::prove_records(in.one_part(in.result.replaced), made, services_.limits.record_bytes_max, batch::Deltas::kMayHaveGaps));
  ION_TRY(in.result.replaced, services_.codecs.close(std::move(in.result.replaced), in.header));
  const uint64_t bytes = in.result.replaced.size();
  if (bytes > services_.limits.batch_bytes_max)
    return {ION_E_INVALID, fmt::format("{} bytes, at most {} are taken (limits.batch_bytes_max)", bytes, services_.limits.batch_bytes_max), "RECORD_TOO_LARGE"};
  if (in.result.topic.empty()) in.header = batch::read_header(in.result.replaced.data());
  return {};
}

void ProducePath::store(const InterceptedPtr& in) {
  if (!in->result.replaced.empty())
    if (const Status fits = check_batch_size(in->topic->settings, in->topic->record->name, in->result.replaced.size()); !fits.ok())
      return in->fail(Status(ION_E_REJECTED, "what an interceptor made of the batch: " + fits.message(), fits.reason()));
  const std::span<const ion_buf> parts = in->result.replaced.empty() ? std::span<const ion_buf>(in->request.parts, in->request.nparts) : in->one_part(in->result.replaced);
  call([&](Op& inner) { return in->to->produce(inner, in->header, parts, in->request.acks, in->answer); }, [in](const ion_result& r) { in->pass(r); });
}

// The batch goes to another log. The sequences of an idempotent producer are used up where it sent them, by a batch without records:
// the next batch follows there, a repeat is known, also after a restart. In the other log the batch has no producer: the sequences
// there would have gaps. So a routed batch that is repeated because its answer was lost is stored again: at least once.
void ProducePath::route(const InterceptedPtr& in) {
  const cluster::TopicEntryPtr entry = services_.view.find(in->result.topic);
  const int32_t count = entry == nullptr ? 1 : static_cast<int32_t>(entry->partitions.size());
  const int32_t partition = in->result.partition >= 0 ? in->result.partition : in->request.partition % count;
  auto to = find_partition(services_.view, in->result.topic, {partition});
  if (!to) return in->fail(Status(to.error().code(), "an interceptor routed the batch: " + to.error().message(), to.error().reason()));
  if (const Status keyed = check_keys(*in, **to); !keyed.ok()) return in->fail(Status(ION_E_REJECTED, "an interceptor routed the batch: " + keyed.message(), keyed.reason()));
  if (in->answer.size >= sizeof(ion_produce_answer)) {
    in->answer.routed_partition = partition;
    const std::string_view topic = std::string_view(in->result.topic).substr(0, sizeof in->answer.routed_topic - 1);
    topic.copy(in->answer.routed_topic, topic.size());
    in->answer.routed_topic[topic.size()] = '\0';
  }
  const partition::PartitionPtr source = std::exchange(in->to, *std::move(to));
  in->topic = entry;
  if (!in->header.idempotent()) {
    if (!in->result.replaced.empty()) in->header = batch::read_header(in->result.replaced.data());
    return store(in);
  }
  in->mark = MessageView::without_records(in->header);
  const batch::Header mark = batch::read_header(in->mark.data());
  call([&](Op& inner) { return source->produce(inner, mark, in->one_part(in->mark), in->request.acks, in->answer); },
       [this, in](const ion_result& r) {
         if (r.status != ION_OK) return in->pass(r);
         in->header = batch::read_header(in->result.replaced.data());
         store(in);
       });
}

}  // namespace ion::pipeline
