#include "pipeline/produce_path.h"

#include <fmt/format.h>
#include <ion/record_proof.h>

#include <algorithm>
#include <utility>

namespace ion::pipeline {

namespace {
Answer refuse(Op& op, ion_error_info* error, const Status& why) {
  explain(error, why, why.code() == ION_E_OVERLOADED ? milliseconds(10) : Nanos{});
  return op.refuse(why);
}


bool is_text(std::string_view name) {
  batch::detail::FlatBytes bytes(span_of(name).data(), name.size());
  return bytes.take_utf8(name.size());
}
}  // namespace

namespace {
Status check_topic_id(const cluster::TopicRecord& topic, ion_bytes wanted) {
  if (wanted.n == 0) return {};
  Uuid uuid;
  if (wanted.n != uuid.bytes.size()) return {ION_E_INVALID, fmt::format("topic {}: its id has 16 bytes, not {}", topic.name, wanted.n), "INVALID_TOPIC_ID"};
  std::copy_n(wanted.p, uuid.bytes.size(), uuid.bytes.begin());
  if (uuid == topic.uuid) return {};
  return {ION_E_CONFLICT, fmt::format("topic {} was deleted and made again: want {}, have {}", topic.name, uuid.text(), topic.uuid.text()), "TOPIC_RECREATED"};
}
}  // namespace

Result<partition::PartitionPtr> find_partition(const cluster::MetadataView& view, std::string_view topic, PartitionId partition, ion_bytes topic_id) {
  const cluster::TopicEntryPtr entry = view.find(topic);
  // A name that no topic can have is not repeated in the answer: its bytes need not be text.
  if (entry == nullptr && !is_text(topic)) return Status(ION_E_INVALID, "the topic name is not UTF-8", "INVALID_TOPIC");
  if (entry == nullptr) return Status(ION_E_NOT_FOUND, fmt::format("topic '{}' is not there", topic), "TOPIC_NOT_FOUND");
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
  const auto to = find_partition(services_.view, text_of(r.topic), {r.partition}, r.topic_id);
  if (!to) return refuse(op, a.error, to.error());
  const uint64_t bytes = bytes_in(parts);
  if (const Status entered = services_.admission.enter(bytes); !entered.ok()) return refuse(op, a.error, entered);
  Admitted admitted(services_.admission, bytes);
  const Result<batch::Header> header = batch::check(parts, services_.limits.batch_bytes_max, batch::From::kClient);
  const Status proved = header ? batch::prove_records(parts, *header, services_.limits.record_bytes_max) : header.error();
  if (!proved.ok()) return refuse(op, a.error, proved);
  if (services_.interceptors.wants(Hook::kProduce)) return intercepted(op, *to, *header, r, a, std::move(admitted));
  return straight(op, *to, *header, r, a, std::move(admitted));
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
struct ProducePath::Routed {
  const ion_produce_req& request;  // the caller's, until completion
  ion_produce_answer& answer;
  partition::PartitionPtr to;
  batch::Header header;
  Admitted admitted;
  Later later;
  std::vector<uint8_t> replaced;
  ion_buf replaced_part{};
};

Answer ProducePath::intercepted(Op& op, const partition::PartitionPtr& to, const batch::Header& h, const ion_produce_req& r, ion_produce_answer& a,
                                Admitted admitted) {
  BatchInFlight seen;
  seen.topic = text_of(r.topic);
  seen.partition = r.partition;
  if (r.who != nullptr) {
    seen.principal = text_of(r.who->principal);
    seen.client_id = text_of(r.who->client_id);
    seen.address = text_of(r.who->address);
  }
  seen.header = h;
  seen.parts = std::span<const ion_buf>(r.parts, r.nparts);
  auto routed = std::make_shared<Routed>(Routed{r, a, to, h, std::move(admitted), op.later(), {}, {}});  // shared with a PENDING interceptor
  services_.interceptors.run(Hook::kProduce, seen, [this, routed](ChainResult verdict) { after_interceptors(routed, std::move(verdict)); });
  return op.pending();
}

void ProducePath::after_interceptors(const std::shared_ptr<Routed>& routed, ChainResult verdict) {
  const auto end = [&](const Status& why) {
    routed->admitted.leave();
    explain(routed->answer.error, why);
    routed->later.fail(why);
  };
  if (verdict.kind == ChainResult::Kind::kRejected) return end(verdict.why);
  if (verdict.kind == ChainResult::Kind::kDropped) {
    routed->admitted.leave();
    routed->answer.flags = ION_PRODUCE_DROPPED;
    routed->answer.base = routed->answer.next = -1;
    return routed->later.ok(static_cast<uint64_t>(-1), static_cast<uint64_t>(-1));
  }
  if (!verdict.topic.empty()) {
    const cluster::TopicEntryPtr entry = services_.view.find(verdict.topic);
    const int32_t count = entry == nullptr ? 1 : static_cast<int32_t>(entry->partitions.size());
    auto to = find_partition(services_.view, verdict.topic, {verdict.partition >= 0 ? verdict.partition : routed->request.partition % count});
    if (!to) return end(to.error());
    routed->to = *std::move(to);
  }
  std::span<const ion_buf> parts(routed->request.parts, routed->request.nparts);
  if (!verdict.replaced.empty()) {
    routed->replaced = std::move(verdict.replaced);
    routed->replaced_part = borrowed(routed->replaced);
    parts = std::span<const ion_buf>(&routed->replaced_part, 1);
    // What an interceptor made is held to the same bounds. Its records may have gaps, as those of a broker have.
    const Result<batch::Header> header = batch::check(parts, services_.limits.batch_bytes_max, batch::From::kBroker);
    const Status proved = header ? batch::prove_records(parts, *header, services_.limits.record_bytes_max) : header.error();
    if (!proved.ok()) return end(Status(ION_E_REJECTED, "what an interceptor made of the batch: " + proved.message(), proved.reason()));
    routed->header = *header;
  }
  call([&](Op& inner) { return routed->to->produce(inner, routed->header, parts, routed->request.acks, routed->answer); },
       [routed](const ion_result& result) {
         routed->admitted.leave();
         routed->later.pass(result);
       });
}

}  // namespace ion::pipeline
