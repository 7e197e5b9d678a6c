#include "produce_codec.h"

#include "ionstream/v1/broker.pb.h"
#include "parse_answer.h"
#include "status_codec.h"

#include <charconv>

namespace ion::client::codec {

namespace pb = ionstream::v1;

namespace {
// 8-4-4-4-12 hexadecimal digits; anything else is no id.
Uuid uuid_of(std::string_view text) {
  Uuid out;
  size_t digits = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (v < 0 || digits == 32) return {};
    out.bytes[digits / 2] = static_cast<uint8_t>(out.bytes[digits / 2] << 4 | v);
    ++digits;
  }
  return digits == 32 ? out : Uuid{};
}
Failure failure_in(const pb::ErrorDetail& e) { return decode_error_detail(e.SerializeAsString()); }
}  // namespace

Result<produce::IdentityArrived> decode_identity(std::string_view bytes) {
  ION_TRY(const auto m, parse_answer<pb::InitProducerResponse>(bytes));
  if (m.producer_id() < 0 || m.producer_epoch() < 0 || m.producer_epoch() > INT16_MAX)
    return Status(ION_E_INTERNAL, "the broker gave producer id " + std::to_string(m.producer_id()) + " with epoch " + std::to_string(m.producer_epoch()));
  return produce::IdentityArrived{{m.producer_id()}, {static_cast<int16_t>(m.producer_epoch())}};
}

Result<std::vector<produce::Ack>> decode_acks(std::string_view bytes) {
  ION_TRY(const auto m, parse_answer<pb::ProduceResponse>(bytes));
  std::vector<produce::Ack> acks;
  acks.reserve(static_cast<size_t>(m.acks_size()));
  for (const pb::ProduceAck& a : m.acks()) {
    produce::Ack ack;
    ack.correlation = a.correlation();
    ack.partition = {a.partition()};
    ack.base_offset = {a.base_offset()};
    if (a.has_append_time_ms()) ack.append_time = WallMs{a.append_time_ms()};
    ack.log = {a.log_id() & kLogIdMax};
    for (const pb::RecordOutcome& o : a.not_stored())
      ack.not_stored.push_back({o.index(), o.has_error() ? failure_in(o.error()).status : Status()});
    ack.routed_topic = a.routed_topic(), ack.routed_partition = {a.routed_partition()};
    if (a.has_error()) ack.failure = failure_in(a.error());
    else if (a.base_offset() < 0 && !a.dropped()) ack.failure = Failure{Status(ION_E_INTERNAL, "the broker acknowledged offset " + std::to_string(a.base_offset())), false, {}, {}};
    acks.push_back(std::move(ack));
  }
  return acks;
}

std::string encode_metadata_request(std::string_view topic) {
  pb::MetadataRequest m;
  if (!topic.empty()) m.add_topics(std::string(topic));
  return m.SerializeAsString();
}

Result<ClusterMetadata> decode_metadata(std::string_view bytes) {
  ION_TRY(const auto m, parse_answer<pb::MetadataResponse>(bytes));
  ClusterMetadata out;
  out.cluster_id = m.cluster_id();
  out.limits = {m.limits().record_bytes_max(), m.limits().batch_bytes_max(), m.limits().message_bytes_max()};
  for (const pb::BrokerInfo& b : m.brokers()) out.brokers.push_back({{b.node()}, b.address()});
  for (const pb::TopicInfo& t : m.topics()) {
    ClusterMetadata::Topic topic;
    topic.name = t.name();
    topic.id = uuid_of(t.uuid());
    if (t.has_error() && t.error().code() != pb::CODE_UNSPECIFIED) topic.error = failure_in(t.error()).status;
    for (const pb::TopicInfo::Setting& s : t.config())
      if (s.key() == "max.message.bytes") (void)std::from_chars(s.value().data(), s.value().data() + s.value().size(), topic.batch_bytes_max);
    for (const pb::PartitionInfo& p : t.partitions()) topic.partitions.push_back({{p.partition()}, {p.leader()}, {p.log_id()}});
    out.topics.push_back(std::move(topic));
  }
  return out;
}

std::string encode_subscribe(std::string_view topic, const read::Subscribe& subscribe, uint64_t frame_bytes_max) {
  pb::SubscribeRequest m;
  for (const auto& part : subscribe.parts) {
    auto* p = m.add_parts();
    p->set_topic(std::string(topic));
    p->set_partition(part.partition.v);
    p->set_offset(part.offset.v);
    if (subscribe.topic_id != Uuid{}) p->set_topic_id(subscribe.topic_id.bytes.data(), subscribe.topic_id.bytes.size());
  }
  m.set_credit_bytes(subscribe.credit_bytes);
  m.set_bytes_max(frame_bytes_max);
  m.set_delivery(pb::DELIVERY_BATCHES);
  return m.SerializeAsString();
}

std::string encode_credit(std::string_view session, uint64_t bytes) {
  pb::CreditRequest m;
  m.set_session(std::string(session));
  m.set_bytes(bytes);
  return m.SerializeAsString();
}

}  // namespace ion::client::codec
