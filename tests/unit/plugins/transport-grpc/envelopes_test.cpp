// The hand-written envelopes against protobuf: same fields, same numbers, and payload only as a place.
#include "core/failure.h"
#include "core/fetch_envelope.h"
#include "core/produce_envelope.h"

#include <ionstream/v1/fetch.pb.h>
#include <ionstream/v1/produce.pb.h>
#include <ionstream/v1/rpc_status.pb.h>

#include <gtest/gtest.h>

namespace ion::transport_grpc {
namespace {

namespace v1 = ionstream::v1;

Result<ProduceEnvelope> read(const v1::ProduceRequest& request, std::string* bytes) {
  *bytes = request.SerializeAsString();
  const ion_buf one = borrowed(span_of(*bytes));
  return read_produce({&one, 1});
}

TEST(ProduceEnvelope, has_every_field_of_the_request) {
  v1::ProduceRequest request;
  request.set_topic("orders");
  request.set_partition(7);
  request.set_acks(v1::ACKS_LEADER);
  request.set_correlation(99);
  request.set_producer_id(1'000'000'007);
  request.set_producer_epoch(3);
  request.set_base_sequence(42);
  request.set_topic_id("0123456789abcdef");
  request.set_records("the batch");
  std::string bytes;
  const auto e = read(request, &bytes);
  ASSERT_TRUE(e) << e.error().text();
  EXPECT_EQ(e->topic, "orders");
  EXPECT_EQ(e->partition, 7);
  EXPECT_EQ(e->acks, Acks::kLeader);
  EXPECT_EQ(e->correlation, 99u);
  EXPECT_EQ(e->producer_id, 1'000'000'007);
  EXPECT_EQ(e->producer_epoch, 3);
  EXPECT_EQ(e->base_sequence, 42);
  EXPECT_EQ(e->topic_id, "0123456789abcdef");
  EXPECT_FALSE(e->has_messages);
  EXPECT_EQ(bytes.substr(e->records_at, e->records_bytes), "the batch");
}

TEST(ProduceEnvelope, an_absent_partition_is_not_partition_0_and_absent_acks_are_all) {
  std::string bytes;
  v1::ProduceRequest request;
  request.add_messages();
  const auto without = read(request, &bytes);
  ASSERT_TRUE(without);
  EXPECT_FALSE(without->partition.has_value());
  EXPECT_EQ(without->acks, Acks::kAll);
  EXPECT_TRUE(without->has_messages);
  request.set_partition(0);
  request.set_acks(v1::ACKS_NONE);
  const auto with = read(request, &bytes);
  ASSERT_TRUE(with);
  EXPECT_EQ(with->partition, 0);
  EXPECT_EQ(with->acks, Acks::kNone);
}

TEST(ProduceEnvelope, an_id_of_another_length_is_refused) {
  std::string bytes;
  v1::ProduceRequest request;
  request.set_topic_id("0123456789abcde");
  EXPECT_EQ(read(request, &bytes).error().reason(), "INVALID_TOPIC_ID");
}

TEST(ProduceEnvelope, unknown_fields_are_passed_over) {
  std::string bytes = "\xa2\x06\x03xyz";  // field 100
  v1::ProduceRequest request;
  request.set_topic("t");
  bytes += request.SerializeAsString();
  const ion_buf one = borrowed(span_of(bytes));
  const auto e = read_produce({&one, 1});
  ASSERT_TRUE(e);
  EXPECT_EQ(e->topic, "t");
}

TEST(ProduceEnvelope, an_ack_is_read_by_protobuf_with_its_error) {
  Ack good{1, 2, 100, 110, 1'700'000'000'000, 77, 5, 110, true, std::nullopt};
  Ack bad;
  bad.correlation = 2;
  bad.error = Failure{ION_E_NOT_LEADER, "LEADER_UNKNOWN", "ask again", milliseconds(1), "broker-b:9640", "orders", 3};
  std::string bytes;
  write_ack(bytes, good);
  write_ack(bytes, bad);
  v1::ProduceResponse response;
  ASSERT_TRUE(response.ParseFromString(bytes));
  ASSERT_EQ(response.acks_size(), 2);
  const v1::ProduceAck& a = response.acks(0);
  EXPECT_EQ(a.correlation(), 1u);
  EXPECT_EQ(a.partition(), 2);
  EXPECT_EQ(a.base_offset(), 100);
  EXPECT_EQ(a.next_offset(), 110);
  EXPECT_EQ(a.append_time_ms(), 1'700'000'000'000);
  EXPECT_EQ(a.log_id(), 77u);
  EXPECT_EQ(a.log_start(), 5);
  EXPECT_EQ(a.high_watermark(), 110);
  EXPECT_TRUE(a.duplicate());
  EXPECT_FALSE(a.has_error());
  const v1::ErrorDetail& e = response.acks(1).error();
  EXPECT_FALSE(response.acks(1).has_append_time_ms());
  EXPECT_EQ(e.code(), v1::CODE_NOT_LEADER);
  EXPECT_EQ(e.reason(), "LEADER_UNKNOWN");
  EXPECT_EQ(e.detail(), "ask again");
  EXPECT_TRUE(e.retriable());
  EXPECT_EQ(e.retry_after_ms(), 1u);
  EXPECT_EQ(e.leader_hint(), "broker-b:9640");
  EXPECT_EQ(e.topic(), "orders");
  EXPECT_EQ(e.partition(), 3);
}

TEST(ProduceEnvelope, an_ack_tells_what_interceptors_took_out_and_where_they_sent_the_rest) {
  Ack ack;
  ack.base_offset = -1, ack.dropped = true;
  ack.not_stored = {{4, std::nullopt}, {7, Failure{ION_E_REJECTED, "INTERCEPTOR", "too blue", {}, "", "orders", 3}}};
  ack.routed_topic = "other", ack.routed_partition = 0;
  std::string bytes;
  write_ack(bytes, ack);
  v1::ProduceResponse response;
  ASSERT_TRUE(response.ParseFromString(bytes));
  const v1::ProduceAck& a = response.acks(0);
  EXPECT_TRUE(a.dropped());
  EXPECT_EQ(a.base_offset(), -1);
  ASSERT_EQ(a.not_stored_size(), 2);
  EXPECT_EQ(a.not_stored(0).index(), 4);
  EXPECT_FALSE(a.not_stored(0).has_error());
  EXPECT_EQ(a.not_stored(1).index(), 7);
  EXPECT_EQ(a.not_stored(1).error().detail(), "too blue");
  EXPECT_EQ(a.routed_topic(), "other");
  EXPECT_EQ(a.routed_partition(), 0);
}

TEST(FetchEnvelope, has_every_field_of_the_request) {
  v1::FetchRequest request;
  request.set_topic("orders");
  request.set_partition(3);
  request.set_offset(int64_t{1} << 40);
  request.set_bytes_min(10);
  request.set_bytes_max(1000);
  request.set_wait_ms(250);
  request.set_delivery(v1::DELIVERY_MESSAGES);
  request.set_topic_id("0123456789abcdef");
  const std::string bytes = request.SerializeAsString();
  const ion_buf one = borrowed(span_of(bytes));
  const auto e = read_fetch({&one, 1});
  ASSERT_TRUE(e) << e.error().text();
  EXPECT_EQ(e->topic, "orders");
  EXPECT_EQ(e->partition, 3);
  EXPECT_EQ(e->offset, int64_t{1} << 40);
  EXPECT_EQ(e->bytes_min, 10u);
  EXPECT_EQ(e->bytes_max, 1000u);
  EXPECT_EQ(e->wait_ms, 250u);
  EXPECT_EQ(e->delivery, Delivery::kMessages);
  EXPECT_EQ(e->topic_id, "0123456789abcdef");
}

TEST(FetchEnvelope, head_and_leased_bytes_together_are_a_response) {
  FetchHead head{"orders", 3, 10, 20, 1, 25, 77, std::nullopt, "s-1", {}};
  const std::string records = "batches as they lie";
  v1::FetchResponse response;
  ASSERT_TRUE(response.ParseFromString(write_fetch_head(head, records.size()) + records));
  EXPECT_EQ(response.topic(), "orders");
  EXPECT_EQ(response.partition(), 3);
  EXPECT_EQ(response.base_offset(), 10);
  EXPECT_EQ(response.next_offset(), 20);
  EXPECT_EQ(response.log_start(), 1);
  EXPECT_EQ(response.high_watermark(), 25);
  EXPECT_EQ(response.log_id(), 77u);
  EXPECT_EQ(response.session(), "s-1");
  EXPECT_EQ(response.records(), records);
}

TEST(FetchEnvelope, a_topic_name_of_a_megabyte_is_refused_and_not_kept) {
  v1::FetchRequest request;
  request.set_topic(std::string(1 << 20, 't'));
  const std::string bytes = request.SerializeAsString();
  const ion_buf one = borrowed(span_of(bytes));
  const auto e = read_fetch({&one, 1});
  ASSERT_FALSE(e);
  EXPECT_EQ(e.error().reason(), "INVALID_TOPIC");
}

TEST(Failure, is_a_google_rpc_status_with_one_detail) {
  const Failure failure{ION_E_NOT_FOUND, "TOPIC_NOT_FOUND", "no topic 'x'", {}, {}, "x", 0};
  v1::RpcStatus status;
  ASSERT_TRUE(status.ParseFromString(rpc_status(failure)));
  EXPECT_EQ(status.code(), 5);
  EXPECT_EQ(status.message(), "no topic 'x'");
  ASSERT_EQ(status.details_size(), 1);
  EXPECT_EQ(status.details(0).type_url(), "type.googleapis.com/ionstream.v1.ErrorDetail");
  v1::ErrorDetail detail;
  ASSERT_TRUE(status.details(0).UnpackTo(&detail));
  EXPECT_EQ(detail.code(), v1::CODE_NOT_FOUND);
  EXPECT_EQ(detail.reason(), "TOPIC_NOT_FOUND");
  EXPECT_FALSE(detail.retriable());
}

TEST(Failure, a_wait_is_rounded_up_never_down) {
  v1::ErrorDetail detail;
  ASSERT_TRUE(detail.ParseFromString(error_detail({ION_E_OVERLOADED, {}, {}, nanoseconds(1'000'001), {}, {}, 0})));
  EXPECT_EQ(detail.retry_after_ms(), 2u);
}

}  // namespace
}  // namespace ion::transport_grpc
