// ProduceStream: pipelining, order, window, and ends of every kind.
#include "transport_fixture.h"

#include <thread>

namespace ion::test {
namespace {

class ProduceStream : public TransportTest {
 protected:
  // Reads responses until so many acks have come.
  static std::vector<v1::ProduceAck> acks(RawStream& stream, size_t count, size_t* messages = nullptr) {
    std::vector<v1::ProduceAck> all;
    while (all.size() < count) {
      const auto bytes = stream.read();
      if (!bytes) break;
      if (messages != nullptr) ++*messages;
      const auto response = parse<v1::ProduceResponse>(*bytes);
      all.insert(all.end(), response.acks().begin(), response.acks().end());
    }
    return all;
  }
  static std::vector<uint64_t> correlations(const std::vector<v1::ProduceAck>& list, int partition = -1) {
    std::vector<uint64_t> to;
    for (const auto& ack : list)
      if (partition < 0 || ack.partition() == partition) to.push_back(ack.correlation());
    return to;
  }
};

TEST_F(ProduceStream, batches_are_read_while_earlier_ones_are_in_flight_and_acks_keep_their_order) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  serve();
  auto stream = client->open(kProduceStream);
  for (uint64_t i = 1; i <= 10; ++i) ASSERT_TRUE(stream->write(produce_request("orders", 0, batch_of(1), i)));
  ASSERT_TRUE(host.api().wait_produced(10));
  while (host.api().held() > 0) host.api().release(host.api().held() - 1);  // the last first
  const auto all = acks(*stream, 10);
  EXPECT_EQ(correlations(all), (std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].base_offset(), static_cast<int64_t>(i));
}

TEST_F(ProduceStream, a_slow_partition_does_not_hold_back_the_acks_of_another) {
  host.api().add_topic("orders", 2);
  host.api().hold_produces(true);
  serve();
  auto stream = client->open(kProduceStream);
  ASSERT_TRUE(stream->write(produce_request("orders", 0, batch_of(1), 1)));
  ASSERT_TRUE(host.api().wait_produced(1));
  host.api().hold_produces(false);
  ASSERT_TRUE(stream->write(produce_request("orders", 1, batch_of(1), 2)));
  EXPECT_EQ(correlations(acks(*stream, 1)), (std::vector<uint64_t>{2}));
  host.api().release_all();
  EXPECT_EQ(correlations(acks(*stream, 1)), (std::vector<uint64_t>{1}));
}

TEST_F(ProduceStream, a_missing_topic_means_the_one_before) {
  host.api().add_topic("orders", 1);
  host.api().add_topic("bills", 1);
  serve();
  auto stream = client->open(kProduceStream);
  for (const char* topic : {"orders", "", "bills", ""}) ASSERT_TRUE(stream->write(produce_request(topic, 0, batch_of(1))));
  ASSERT_EQ(acks(*stream, 4).size(), 4u);
  std::vector<std::string> topics;
  for (const auto& seen : host.api().produced()) topics.push_back(seen.topic);
  EXPECT_EQ(topics, (std::vector<std::string>{"orders", "orders", "bills", "bills"}));
}

TEST_F(ProduceStream, acks_gather_while_a_message_is_on_its_way) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  serve();
  auto stream = client->open(kProduceStream);
  for (uint64_t i = 0; i < 200; ++i) ASSERT_TRUE(stream->write(produce_request("orders", 0, batch_of(1), i)));
  ASSERT_TRUE(host.api().wait_produced(200));
  for (int i = 0; i < 199; ++i) host.api().release(1);  // all wait for the first
  host.api().release(0);
  size_t messages = 0;
  EXPECT_EQ(acks(*stream, 200, &messages).size(), 200u);
  EXPECT_EQ(messages, 1u);
}

TEST_F(ProduceStream, reading_stops_when_the_window_is_full_and_goes_on_behind_the_acks) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  TransportConfig config;
  config.stream_inflight_messages = 4;
  serve(config);
  auto stream = client->open(kProduceStream);
  for (uint64_t i = 1; i <= 10; ++i) ASSERT_TRUE(stream->write(produce_request("orders", 0, batch_of(1), i)));  // gRPC's own buffers take them
  ASSERT_TRUE(host.api().wait_produced(4));
  EXPECT_TRUE(client->call(kProduce, produce_request("nowhere", 0, batch_of(1))).status.error_code() == grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(host.api().held(), 4u) << "a fifth batch was read although four were in flight";
  host.api().release(0);
  ASSERT_EQ(correlations(acks(*stream, 1)), (std::vector<uint64_t>{1}));
  ASSERT_TRUE(host.api().wait_produced(6));  // the unary one, and the fifth
  host.api().hold_produces(false);
  host.api().release_all();
  EXPECT_EQ(acks(*stream, 9).size(), 9u);
}

TEST_F(ProduceStream, the_window_also_counts_bytes) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  TransportConfig config;
  config.stream_inflight_bytes = 1 << 20;
  serve(config);
  auto stream = client->open(kProduceStream);
  std::thread writer([&] {
    for (uint64_t i = 1; i <= 6; ++i)
      if (!stream->write(produce_request("orders", 0, batch_of(1, 600 << 10), i))) return;
  });
  ASSERT_TRUE(host.api().wait_produced(2));
  EXPECT_EQ(client->call(kProduce, produce_request("nowhere", 0, batch_of(1))).status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(host.api().held(), 2u);
  host.api().hold_produces(false);
  host.api().release_all();
  writer.join();
  EXPECT_EQ(acks(*stream, 6).size(), 6u);
}

TEST_F(ProduceStream, all_streams_share_the_memory_and_each_may_have_one_batch_in_flight) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  TransportConfig config;
  config.memory_bytes_max = 96 << 20;
  config.stream_inflight_bytes = 128 << 20;
  serve(config);
  auto large = client->open(kProduceStream), small = client->open(kProduceStream);
  std::thread writer([&] {
    for (uint64_t i = 1; i <= 8; ++i)
      if (!large->write(produce_request("orders", 0, batch_of(1, 8 << 20), i))) return;
  });
  ASSERT_TRUE(host.api().wait_produced(6));  // half of the memory; five are less, whatever gRPC holds beside them
  for (uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(small->write(produce_request("orders", 0, batch_of(1), i)));
  ASSERT_TRUE(host.api().wait_produced(7));
  EXPECT_EQ(client->call(kProduce, produce_request("nowhere", 0, batch_of(1))).status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(host.api().held(), 7u);
  host.api().hold_produces(false);
  host.api().release_all();
  writer.join();
  EXPECT_EQ(acks(*large, 8).size(), 8u);
  EXPECT_EQ(acks(*small, 3).size(), 3u);
}

TEST_F(ProduceStream, an_error_is_in_its_ack_and_the_stream_goes_on) {
  host.api().add_topic("orders", 1);
  host.api().fail_produces(1, {ION_E_FENCED, "sequence 9, want 5", "OUT_OF_SEQUENCE"});
  serve();
  auto stream = client->open(kProduceStream);
  ASSERT_TRUE(stream->write(produce_request("orders", 0, batch_of(1), 1)));
  ASSERT_TRUE(stream->write(produce_request("orders", 0, batch_of(1), 2)));
  ASSERT_TRUE(stream->write(produce_request("nowhere", 7, batch_of(1), 3)));
  v1::ProduceRequest empty;
  empty.set_correlation(4);
  ASSERT_TRUE(stream->write(empty.SerializeAsString()));
  const auto all = acks(*stream, 4);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].error().code(), v1::CODE_FENCED);
  EXPECT_EQ(all[0].error().reason(), "OUT_OF_SEQUENCE");
  EXPECT_FALSE(all[1].has_error());
  EXPECT_EQ(all[2].error().code(), v1::CODE_NOT_FOUND);
  EXPECT_EQ(all[2].error().topic(), "nowhere");
  EXPECT_EQ(all[2].error().partition(), 7);
  EXPECT_EQ(all[3].error().code(), v1::CODE_INVALID);
}

TEST_F(ProduceStream, bytes_that_are_no_request_end_it_behind_the_acks_of_what_was_sent) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  serve();
  auto stream = client->open(kProduceStream);
  ASSERT_TRUE(stream->write(produce_request("orders", 0, batch_of(1), 1)));
  ASSERT_TRUE(stream->write("\x0a\x7f"));
  ASSERT_TRUE(host.api().wait_produced(1));
  host.api().release_all();
  EXPECT_EQ(correlations(acks(*stream, 2)), (std::vector<uint64_t>{1}));
  const grpc::Status status = stream->finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(detail_of(status).reason(), "MALFORMED_MESSAGE");
}

TEST_F(ProduceStream, a_client_that_has_sent_all_gets_all_acks_and_then_ok) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  serve();
  auto stream = client->open(kProduceStream);
  for (uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(stream->write(produce_request("orders", 0, batch_of(1), i)));
  stream->done_writing();
  ASSERT_TRUE(host.api().wait_produced(3));
  host.api().release_all();
  EXPECT_EQ(acks(*stream, 3).size(), 3u);
  EXPECT_FALSE(stream->read());
  EXPECT_TRUE(stream->finish().ok());
}

TEST_F(ProduceStream, plain_messages_are_split_by_partition_with_one_ack_each) {
  host.api().add_topic("orders", 4);
  serve();
  auto stream = client->open(kProduceStream);
  v1::ProduceRequest request;
  request.set_topic("orders");
  request.set_correlation(9);
  for (const char key : {'\x01', '\x02', '\x01'}) request.add_messages()->set_key(std::string(1, key));
  ASSERT_TRUE(stream->write(request.SerializeAsString()));
  const auto all = acks(*stream, 2);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(correlations(all), (std::vector<uint64_t>{9, 9}));
  EXPECT_EQ(all[0].partition() + all[1].partition(), 3);
}

TEST_F(ProduceStream, many_answers_that_are_there_at_once_all_come_in_order) {
  host.api().add_topic("orders", 1);
  serve();
  auto stream = client->open(kProduceStream);
  constexpr uint64_t kCount = 1'500;
  std::thread writer([&] {
    for (uint64_t i = 1; i <= kCount; ++i)
      if (!stream->write(produce_request("orders", 0, batch_of(1), i))) return;
  });
  writer.join();  // more than the window of 1024: acks wait in gRPC's buffers until they are read
  const auto all = acks(*stream, kCount);
  ASSERT_EQ(all.size(), kCount);
  for (uint64_t i = 0; i < kCount; ++i) ASSERT_EQ(all[i].correlation(), i + 1);
}

TEST_F(ProduceStream, answers_from_many_threads_at_once_stay_in_order) {
  host.api().add_topic("orders", 2);
  host.api().hold_produces(true);
  serve();
  auto stream = client->open(kProduceStream);
  constexpr uint64_t kCount = 400;
  for (uint64_t i = 1; i <= kCount; ++i) ASSERT_TRUE(stream->write(produce_request("orders", static_cast<int32_t>(i % 2), batch_of(1), i)));
  ASSERT_TRUE(host.api().wait_produced(kCount));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < kCount / 4; ++i) host.api().release_one(static_cast<size_t>(t));
    });
  for (auto& thread : threads) thread.join();
  const auto all = acks(*stream, kCount);
  ASSERT_EQ(all.size(), kCount);
  for (const int partition : {0, 1}) {
    const auto order = correlations(all, partition);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_EQ(order.size(), kCount / 2);
  }
}

TEST_F(ProduceStream, a_client_gone_mid_stream_leaves_nothing_behind_and_its_batches_end_quietly) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  serve();
  {
    auto stream = client->open(kProduceStream);
    for (uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(stream->write(produce_request("orders", 0, batch_of(1, 10'000), i)));
    ASSERT_TRUE(host.api().wait_produced(5));
  }
  host.api().release(2);  // after the stream was cancelled
  host.api().release_all();
  EXPECT_EQ(client->call(kProduce, produce_request("nowhere", 0, batch_of(1))).status.error_code(), grpc::StatusCode::NOT_FOUND);
}  // TearDown proves that no call is left

}  // namespace
}  // namespace ion::test
