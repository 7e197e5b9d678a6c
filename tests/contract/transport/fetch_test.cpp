// Fetch, the unary call: leased bytes go out as they lie, waits are parked and cancelled.
#include "transport_fixture.h"

#include <ion/message_id.h>

namespace ion::test {
namespace {

class Fetch : public TransportTest {
 protected:
  static std::string request(const std::string& topic, int64_t offset, uint32_t wait_ms = 0, v1::Delivery delivery = v1::DELIVERY_BATCHES,
                             uint64_t bytes_max = 0) {
    v1::FetchRequest r;
    r.set_topic(topic);
    r.set_offset(offset);
    r.set_wait_ms(wait_ms);
    r.set_delivery(delivery);
    r.set_bytes_max(bytes_max);
    return r.SerializeAsString();
  }
};

TEST_F(Fetch, gives_whole_batches_as_they_are_stored_without_copying_a_byte) {
  host.api().add_topic("orders", 1);
  for (int i = 0; i < 3; ++i) host.api().append("orders", 0, batch_of(2, 100 << 10));
  serve();
  const UnaryResult result = client->call(kFetch, request("orders", 3, 0, v1::DELIVERY_BATCHES, 10 << 20));
  ASSERT_TRUE(result.status.ok()) << result.status.error_message();
  const auto response = parse<v1::FetchResponse>(result.bytes);
  EXPECT_EQ(response.base_offset(), 2) << "the batch that holds offset 3 begins at 2";
  EXPECT_EQ(response.next_offset(), 6);
  EXPECT_EQ(response.high_watermark(), 6);
  EXPECT_EQ(response.log_id(), 42u);
  const auto stored = batch_of(2, 100 << 10);
  ASSERT_EQ(response.records().size(), 2 * stored.size());
  EXPECT_EQ(response.records().substr(8, stored.size() - 8), text_of_bytes(stored).substr(8)) << "all but the base offset is the producer's";
  EXPECT_EQ(host.metric("ionstream_transport_payload_copied_bytes_total"), 0);
  EXPECT_TRUE(host.api().wait_leases(0));
}

TEST_F(Fetch, an_empty_answer_is_ok_and_says_where_to_go_on) {
  host.api().add_topic("orders", 1);
  serve();
  const UnaryResult result = client->call(kFetch, request("orders", 0));
  ASSERT_TRUE(result.status.ok());
  EXPECT_EQ(parse<v1::FetchResponse>(result.bytes).records(), "");
}

TEST_F(Fetch, waits_and_wakes_up_with_the_data) {
  host.api().add_topic("orders", 1);
  serve();
  auto waiting = client->open(kFetch);
  ASSERT_TRUE(waiting->write(request("orders", 0, 60'000)));
  waiting->done_writing();
  ASSERT_TRUE(host.api().wait_parked(1));
  host.api().append("orders", 0, batch_of(1));
  const auto bytes = waiting->read();
  ASSERT_TRUE(bytes);
  EXPECT_EQ(parse<v1::FetchResponse>(*bytes).next_offset(), 1);
  EXPECT_TRUE(waiting->finish().ok());
}

TEST_F(Fetch, a_client_that_goes_takes_its_parked_read_with_it) {
  host.api().add_topic("orders", 1);
  serve();
  {
    auto waiting = client->open(kFetch);
    ASSERT_TRUE(waiting->write(request("orders", 0, 60'000)));
    ASSERT_TRUE(host.api().wait_parked(1));
  }
  EXPECT_TRUE(host.api().wait_parked(0));
}

TEST_F(Fetch, errors_of_the_log_are_typed) {
  host.api().add_topic("orders", 1);
  serve();
  const UnaryResult beyond = client->call(kFetch, request("orders", 99));
  EXPECT_EQ(beyond.status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(detail_of(beyond.status).reason(), "OFFSET_OUT_OF_RANGE");
  const UnaryResult unknown = client->call(kFetch, request("nowhere", 0));
  EXPECT_EQ(unknown.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(detail_of(unknown.status).topic(), "nowhere");
  host.api().fail_fetches(Status(ION_E_CORRUPT, "damaged from 7 to 9", "DATA_LOSS"));
  EXPECT_EQ(client->call(kFetch, request("orders", 0)).status.error_code(), grpc::StatusCode::DATA_LOSS);
  host.api().fail_fetches(std::nullopt);
  EXPECT_EQ(client->call(kFetch, request("", 0)).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(Fetch, messages_have_offset_id_and_time_and_begin_at_the_asked_offset) {
  host.api().add_topic("orders", 1);
  host.api().append("orders", 0, batch_of(5));
  serve();
  const UnaryResult result = client->call(kFetch, request("orders", 3, 0, v1::DELIVERY_MESSAGES));
  ASSERT_TRUE(result.status.ok()) << result.status.error_message();
  const auto response = parse<v1::FetchResponse>(result.bytes);
  EXPECT_EQ(response.records(), "");
  ASSERT_EQ(response.messages_size(), 2);
  EXPECT_EQ(response.messages(0).offset(), 3);
  EXPECT_EQ(response.messages(0).timestamp_ms(), 1'700'000'000'003);
  EXPECT_EQ(response.messages(0).id(), message_id::make({1'700'000'000'003}, {3}, {42}).text());
  EXPECT_EQ(response.next_offset(), 5);
}

TEST_F(Fetch, a_lease_that_no_client_reads_comes_back_when_the_client_goes) {
  host.api().add_topic("orders", 1);
  host.api().append("orders", 0, batch_of(1, 8 << 20));
  TransportConfig config;
  config.message_bytes_max = 32 << 20;
  serve(config);
  {
    auto stopped = client->open(kFetch);
    ASSERT_TRUE(stopped->write(request("orders", 0)));
    ASSERT_TRUE(host.api().wait_leases(1));  // 8 MiB do not fit into the window of a client that does not read
  }
  EXPECT_TRUE(host.api().wait_leases(0));
}

}  // namespace
}  // namespace ion::test
