#include "io/produce_plan.h"

#include "io/api_op.h"
#include "io/message_codec.h"

#include <map>

namespace ion::transport_grpc {
namespace {

ProducePlan refuse(Failure failure) { return {{}, std::move(failure)}; }
ProducePlan refuse(std::string words, std::string reason = {}) {
  return refuse(Failure::of(Status(ION_E_INVALID, std::move(words), std::move(reason))));
}

ProducePlan plan_records(const ProduceEnvelope& envelope, Message request) {
  if (!envelope.partition) return refuse("ProduceRequest: `records` is one batch of one partition, and no partition is named", "NO_PARTITION");
  ProducePlan plan;
  PlannedBatch batch{*envelope.partition, std::move(request), {}};
  batch.parts = narrow(batch.payload.parts(), envelope.records_at, envelope.records_bytes);
  plan.batches.push_back(std::move(batch));
  return plan;
}

// Asks the kernel where a key belongs. An empty key is how the number of partitions is learnt.
struct Placed {
  int32_t partition = 0;
  uint32_t partitions = 0;
  std::optional<Failure> refused;
};
Placed place(Services& services, const ProduceRequest& ask, std::span<const uint8_t> key) {
  ion_error_info error{};
  error.size = sizeof error;
  const ion_partition_req req{sizeof(ion_partition_req), 0, &ask.who, bytes_of(ask.topic), {key.data(), key.size()}};
  ion_partition_answer answer{sizeof(ion_partition_answer), 0, 0, 0, &error};
  const Status status = services.api->partition_of(req, answer);
  if (status.ok()) return {answer.partition, answer.partitions, std::nullopt};
  return {0, 0, failure_from(status.code(), error, status.message())};
}

using ByPartition = std::map<int32_t, std::vector<uint32_t>>;

// Messages without a key of one request stay together; the next request's go to the next partition.
std::optional<Failure> spread(Services& services, const ProduceRequest& ask, const PlainMessages& messages, ByPartition& to) {
  std::optional<int32_t> keyless;
  for (uint32_t i = 0; i < messages.size(); ++i) {
    const auto key = messages.key(i);
    if (!key && keyless) {
      to[*keyless].push_back(i);
      continue;
    }
    const Placed placed = place(services, ask, key.value_or(std::span<const uint8_t>()));
    if (placed.refused) return placed.refused;
    int32_t partition = placed.partition;
    if (!key && placed.partitions > 0)
      partition = static_cast<int32_t>(services.sticky.fetch_add(1, std::memory_order_relaxed) % placed.partitions);
    if (!key) keyless = partition;
    to[partition].push_back(i);
  }
  return std::nullopt;
}

ProducePlan plan_messages(Services& services, const ProduceRequest& ask, Message request) {
  const ProduceEnvelope& envelope = ask.envelope;
  const std::string whole = request.joined();
  request.reset();
  const Result<PlainMessages> messages = PlainMessages::parse(whole);
  if (!messages) return refuse(Failure::of(messages.error()));
  batch::Identity identity;
  if (envelope.producer_id && *envelope.producer_id >= 0) {
    if (!envelope.partition) return refuse("ProduceRequest: messages with a producer id need a partition: their sequence belongs to it", "NO_PARTITION");
    if (envelope.producer_epoch < 0 || envelope.producer_epoch > INT16_MAX || envelope.base_sequence < 0)
      return refuse("ProduceRequest: producer epoch " + std::to_string(envelope.producer_epoch) + " and base sequence " +
                    std::to_string(envelope.base_sequence) + " are outside 0 to 2^15 - 1 and 0 to 2^31 - 1");
    identity = {{*envelope.producer_id}, {static_cast<int16_t>(envelope.producer_epoch)}, envelope.base_sequence};
  }
  ByPartition by_partition;
  if (envelope.partition) {
    auto& all = by_partition[*envelope.partition];
    for (uint32_t i = 0; i < messages->size(); ++i) all.push_back(i);
  } else if (std::optional<Failure> refused = spread(services, ask, *messages, by_partition)) {
    return refuse(*std::move(refused));
  }
  ProducePlan plan;
  const WallMs now = services.host.wall();
  for (const auto& [partition, which] : by_partition) {
    PlannedBatch batch{partition, Message(new OwnedBytes(messages->batch(which, now, identity))), {}, which};
    batch.parts = batch.payload.parts();
    plan.batches.push_back(std::move(batch));
  }
  return plan;
}

}  // namespace

ProducePlan plan_produce(Services& services, const ProduceRequest& ask, Message request) {
  const ProduceEnvelope& envelope = ask.envelope;
  const bool records = envelope.records_bytes != 0;
  if (ask.topic.empty()) return refuse("ProduceRequest: no topic is named", "NO_TOPIC");
  if (records && envelope.has_messages) return refuse("ProduceRequest: want either `records` or `messages`, have both");
  if (records) return plan_records(envelope, std::move(request));
  if (envelope.has_messages) return plan_messages(services, ask, std::move(request));
  return refuse("ProduceRequest: want `records` or `messages`, have neither");
}

}  // namespace ion::transport_grpc
