// Produce, the unary call.
#include "transport_fixture.h"

namespace ion::test {
namespace {

class Produce : public TransportTest {};

TEST_F(Produce, a_batch_reaches_the_broker_api_byte_for_byte_and_its_ack_comes_back) {
  host.api().add_topic("orders", 3);
  serve();
  const auto batch = batch_of(5);
  const UnaryResult result = client->call(kProduce, produce_request("orders", 2, batch, 77));
  ASSERT_TRUE(result.status.ok()) << result.status.error_message();
  const auto seen = host.api().produced();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].topic, "orders");
  EXPECT_EQ(seen[0].partition, 2);
  EXPECT_EQ(seen[0].bytes, text_of_bytes(batch));
  EXPECT_EQ(seen[0].acks, uint32_t{ION_ACKS_ALL});
  EXPECT_EQ(seen[0].peer.substr(0, 10), "127.0.0.1:") << seen[0].peer;
  const auto response = parse<v1::ProduceResponse>(result.bytes);
  ASSERT_EQ(response.acks_size(), 1);
  EXPECT_EQ(response.acks(0).correlation(), 77u);
  EXPECT_EQ(response.acks(0).partition(), 2);
  EXPECT_EQ(response.acks(0).base_offset(), 0);
  EXPECT_EQ(response.acks(0).next_offset(), 5);
  EXPECT_EQ(response.acks(0).high_watermark(), 5);
  EXPECT_FALSE(response.acks(0).has_append_time_ms());
}

TEST_F(Produce, a_large_batch_is_handed_on_in_the_slices_it_came_in) {
  host.api().add_topic("orders", 1);
  serve();
  const auto batch = batch_of(1, 2 << 20);
  ASSERT_TRUE(client->call(kProduce, produce_request("orders", 0, batch)).status.ok());
  const auto seen = host.api().produced();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_TRUE(seen[0].counted);
  EXPECT_EQ(seen[0].bytes, text_of_bytes(batch));
  EXPECT_EQ(host.metric("ionstream_transport_small_copied_bytes_total"), 0);
}

TEST_F(Produce, a_small_batch_is_copied_out_of_its_read_block_and_counted) {
  host.api().add_topic("orders", 1);
  serve();
  const std::string request = produce_request("orders", 0, batch_of(1));
  ASSERT_TRUE(client->call(kProduce, request).status.ok());
  EXPECT_EQ(host.metric("ionstream_transport_small_copied_bytes_total"), static_cast<int64_t>(request.size()));
}

TEST_F(Produce, an_error_is_a_status_with_its_detail) {
  host.api().add_topic("orders", 1);
  host.api().fail_produces(1, {ION_E_NOT_LEADER, "broker 3 leads this partition", "NOT_LEADER"}, milliseconds(250), "broker-c:9640");
  serve();
  const UnaryResult result = client->call(kProduce, produce_request("orders", 0, batch_of(1)));
  EXPECT_EQ(result.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(result.status.error_message(), "broker 3 leads this partition");
  const v1::ErrorDetail detail = detail_of(result.status);
  EXPECT_EQ(detail.code(), v1::CODE_NOT_LEADER);
  EXPECT_EQ(detail.reason(), "NOT_LEADER");
  EXPECT_TRUE(detail.retriable());
  EXPECT_EQ(detail.retry_after_ms(), 250u);
  EXPECT_EQ(detail.leader_hint(), "broker-c:9640");
  EXPECT_EQ(detail.topic(), "orders");
}

TEST_F(Produce, bad_requests_are_refused_in_words_and_never_reach_the_broker_api) {
  host.api().add_topic("orders", 1);
  serve();
  v1::ProduceRequest no_topic, no_partition, both, neither, half;
  no_topic.set_partition(0), no_topic.set_records("r");
  no_partition.set_topic("orders"), no_partition.set_records("r");
  both.set_topic("orders"), both.set_partition(0), both.set_records("r"), both.add_messages();
  neither.set_topic("orders"), neither.set_partition(0);
  half.set_topic("orders"), half.set_producer_id(5), half.add_messages()->set_value("v");
  const std::pair<std::string, std::string> cases[] = {
      {no_topic.SerializeAsString(), "NO_TOPIC"}, {no_partition.SerializeAsString(), "NO_PARTITION"}, {both.SerializeAsString(), ""},
      {neither.SerializeAsString(), ""},          {half.SerializeAsString(), "NO_PARTITION"},         {"\x0a\x7f", "MALFORMED_MESSAGE"},
      {"", "NO_TOPIC"}};
  for (const auto& [request, reason] : cases) {
    const UnaryResult result = client->call(kProduce, request);
    EXPECT_EQ(result.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << request;
    EXPECT_FALSE(result.status.error_message().empty());
    EXPECT_EQ(detail_of(result.status).reason(), reason) << result.status.error_message();
    EXPECT_EQ(detail_of(result.status).code(), v1::CODE_INVALID);
  }
  EXPECT_TRUE(host.api().produced().empty());
}

TEST_F(Produce, a_damaged_batch_is_the_kernels_error_passed_on) {
  host.api().add_topic("orders", 1);
  serve();
  auto batch = batch_of(1);
  batch.back() ^= 1;
  const UnaryResult result = client->call(kProduce, produce_request("orders", 0, batch));
  EXPECT_EQ(result.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(detail_of(result.status).reason(), "CORRUPT_BATCH");
}

TEST_F(Produce, a_message_above_the_limit_is_refused_and_the_connection_lives_on) {
  host.api().add_topic("orders", 1);
  TransportConfig config;
  config.message_bytes_max = 100 << 10;
  serve(config);
  EXPECT_EQ(client->call(kProduce, produce_request("orders", 0, batch_of(1, 200 << 10))).status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(client->call(kProduce, produce_request("orders", 0, batch_of(1, 50 << 10))).status.ok());
}

TEST_F(Produce, the_clients_deadline_reaches_the_kernel_on_the_hosts_clock) {
  host.api().add_topic("orders", 1);
  serve();
  ASSERT_TRUE(client->call(kProduce, produce_request("orders", 0, batch_of(1)), 60).status.ok());
  ASSERT_TRUE(client->call(kProduce, produce_request("orders", 0, batch_of(1))).status.ok());
  const auto seen = host.api().produced();
  const uint64_t now = host.clock().now().ns;
  EXPECT_GT(seen.at(0).deadline_ns, now + 40'000'000'000ULL);
  EXPECT_LE(seen.at(0).deadline_ns, now + 61'000'000'000ULL) << "gRPC rounds a deadline up on the wire";
  EXPECT_EQ(seen.at(1).deadline_ns, 0u);
}

// --- plain messages ---

TEST_F(Produce, messages_become_one_batch_of_their_partition) {
  host.api().add_topic("orders", 2);
  serve();
  v1::ProduceRequest request;
  request.set_topic("orders");
  request.set_partition(1);
  request.set_producer_id(1234), request.set_producer_epoch(2), request.set_base_sequence(10);
  for (const char* value : {"a", "b", "c"}) request.add_messages()->set_value(value);
  const UnaryResult result = client->call(kProduce, request.SerializeAsString());
  ASSERT_TRUE(result.status.ok()) << result.status.error_message();
  const auto seen = host.api().produced();
  ASSERT_EQ(seen.size(), 1u);
  const auto header = batch::read_header(reinterpret_cast<const uint8_t*>(seen[0].bytes.data()));
  EXPECT_EQ(header.count, 3);
  EXPECT_EQ(header.producer.v, 1234);
  EXPECT_EQ(header.producer_epoch.v, 2);
  EXPECT_EQ(header.base_sequence, 10);
  EXPECT_EQ(header.base_time.ms, 1'700'000'000'000) << "a missing time is the host's";
}

TEST_F(Produce, keyed_messages_go_where_the_router_says_with_an_ack_for_each_partition) {
  host.api().add_topic("orders", 4);
  serve();
  v1::ProduceRequest request;
  request.set_topic("orders");
  request.set_correlation(5);
  for (const char key : {'\x01', '\x03', '\x05', '\x01'}) request.add_messages()->set_key(std::string(1, key));
  const auto response = parse<v1::ProduceResponse>(client->call(kProduce, request.SerializeAsString()).bytes);
  ASSERT_EQ(response.acks_size(), 2);  // keys 1 and 5 share partition 1
  EXPECT_EQ(response.acks(0).partition(), 1);
  EXPECT_EQ(response.acks(0).next_offset(), 3);
  EXPECT_EQ(response.acks(1).partition(), 3);
  EXPECT_EQ(response.acks(1).next_offset(), 1);
  for (const auto& ack : response.acks()) EXPECT_EQ(ack.correlation(), 5u);
}

TEST_F(Produce, messages_without_a_key_stay_together_and_the_next_request_goes_on_to_another_partition) {
  host.api().add_topic("orders", 3);
  serve();
  v1::ProduceRequest request;
  request.set_topic("orders");
  for (int i = 0; i < 5; ++i) request.add_messages()->set_value("v");
  std::set<int32_t> partitions;
  for (int i = 0; i < 3; ++i) {
    const auto response = parse<v1::ProduceResponse>(client->call(kProduce, request.SerializeAsString()).bytes);
    ASSERT_EQ(response.acks_size(), 1);
    EXPECT_EQ(response.acks(0).next_offset(), 5);
    partitions.insert(response.acks(0).partition());
  }
  EXPECT_EQ(partitions.size(), 3u);
}

TEST_F(Produce, one_failed_partition_stands_in_its_ack_and_all_failed_is_a_status) {
  host.api().add_topic("orders", 2);
  serve();
  v1::ProduceRequest request;
  request.set_topic("orders");
  for (const char key : {'\x00', '\x01'}) request.add_messages()->set_key(std::string(1, key));
  host.api().fail_produces(1, {ION_E_OVERLOADED, "full", "QUEUE_FULL"});
  const UnaryResult one = client->call(kProduce, request.SerializeAsString());
  ASSERT_TRUE(one.status.ok());
  const auto response = parse<v1::ProduceResponse>(one.bytes);
  EXPECT_EQ(response.acks(0).error().code(), v1::CODE_OVERLOADED);
  EXPECT_FALSE(response.acks(1).has_error());
  host.api().fail_produces(2, {ION_E_OVERLOADED, "full", "QUEUE_FULL"});
  EXPECT_EQ(client->call(kProduce, request.SerializeAsString()).status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(Produce, keyed_messages_to_an_unknown_topic_fail_with_its_name) {
  serve();
  v1::ProduceRequest request;
  request.set_topic("nowhere");
  request.add_messages()->set_key("k");
  const UnaryResult result = client->call(kProduce, request.SerializeAsString());
  EXPECT_EQ(result.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(detail_of(result.status).reason(), "TOPIC_NOT_FOUND");
  EXPECT_EQ(detail_of(result.status).topic(), "nowhere");
}

TEST_F(Produce, a_client_that_goes_while_its_batch_is_in_flight_disturbs_nobody) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  serve();
  {
    auto gone = client->open(kProduce);
    ASSERT_TRUE(gone->write(produce_request("orders", 0, batch_of(1))));
    ASSERT_TRUE(host.api().wait_produced(1));
  }
  host.api().hold_produces(false);
  EXPECT_TRUE(client->call(kProduce, produce_request("orders", 0, batch_of(1))).status.ok());
  host.api().release_all();
}

}  // namespace
}  // namespace ion::test
