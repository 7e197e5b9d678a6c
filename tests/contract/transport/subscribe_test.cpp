// Subscribe and Credit.
#include "transport_fixture.h"

namespace ion::test {
namespace {

class Subscribe : public TransportTest {
 protected:
  static v1::SubscribeRequest request(int parts, uint64_t credit = 0, const std::string& topic = "orders") {
    v1::SubscribeRequest r;
    for (int i = 0; i < parts; ++i) {
      r.add_parts()->set_topic(topic);
      r.mutable_parts(i)->set_partition(i);
    }
    r.set_credit_bytes(credit);
    return r;
  }
  std::unique_ptr<RawStream> subscribe(const v1::SubscribeRequest& r) {
    auto stream = client->open(kSubscribe);
    EXPECT_TRUE(stream->write(r.SerializeAsString()));
    stream->done_writing();
    return stream;
  }
  static std::optional<v1::FetchResponse> frame(RawStream& stream) {
    const auto bytes = stream.read();
    if (!bytes) return std::nullopt;
    return parse<v1::FetchResponse>(*bytes);
  }
  static std::string session(RawStream& stream) {
    const auto first = frame(stream);
    return first ? first->session() : "";
  }
  UnaryResult credit(const std::string& session, uint64_t bytes) {
    v1::CreditRequest r;
    r.set_session(session);
    r.set_bytes(bytes);
    return client->call(kCredit, r.SerializeAsString());
  }
};

TEST_F(Subscribe, begins_with_a_session_and_then_gives_what_is_there_and_what_comes) {
  host.api().add_topic("orders", 1);
  host.api().append("orders", 0, batch_of(2));
  serve();
  auto stream = subscribe(request(1));
  EXPECT_EQ(session(*stream).size(), 32u);
  const auto there = frame(*stream);
  ASSERT_TRUE(there);
  EXPECT_EQ(there->topic(), "orders");
  EXPECT_EQ(there->session(), "");
  EXPECT_EQ(there->base_offset(), 0);
  EXPECT_EQ(there->next_offset(), 2);
  EXPECT_EQ(there->records().size(), batch_of(2).size());
  ASSERT_TRUE(host.api().wait_parked(1));
  host.api().append("orders", 0, batch_of(1));
  const auto came = frame(*stream);
  ASSERT_TRUE(came);
  EXPECT_EQ(came->base_offset(), 2);
  EXPECT_EQ(host.metric("ionstream_transport_payload_copied_bytes_total"), 0);
}

TEST_F(Subscribe, parts_take_turns) {
  host.api().add_topic("orders", 3);
  for (int i = 0; i < 4; ++i)
    for (int p = 0; p < 3; ++p) host.api().append("orders", p, batch_of(1, 2'000));
  serve();
  v1::SubscribeRequest r = request(3);
  r.set_bytes_max(1);  // one batch for each frame
  auto stream = subscribe(r);
  (void)session(*stream);
  std::vector<int> order;
  for (int i = 0; i < 12; ++i) {
    const auto f = frame(*stream);
    ASSERT_TRUE(f);
    order.push_back(f->partition());
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}));
}

TEST_F(Subscribe, stops_when_the_credit_is_spent_and_goes_on_with_more) {
  host.api().add_topic("orders", 1);
  const size_t bytes = batch_of(1, 5'000).size();
  for (int i = 0; i < 4; ++i) host.api().append("orders", 0, batch_of(1, 5'000));
  serve();
  v1::SubscribeRequest r = request(1, 2 * bytes);
  r.set_bytes_max(1);
  auto stream = subscribe(r);
  const std::string id = session(*stream);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(frame(*stream));
  std::optional<std::string> none;
  EXPECT_FALSE(stream->read_within(100, &none)) << "a frame came without credit";
  const UnaryResult granted = credit(id, bytes);
  ASSERT_TRUE(granted.status.ok()) << granted.status.error_message();
  EXPECT_EQ(parse<v1::CreditResponse>(granted.bytes).credit_bytes(), bytes) << "what was left, which is nothing, and the grant";
  const auto third = frame(*stream);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->base_offset(), 2);
}

TEST_F(Subscribe, credit_for_an_unknown_session_is_not_found) {
  serve();
  const UnaryResult result = credit("0123456789abcdef0123456789abcdef", 100);
  EXPECT_EQ(result.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(detail_of(result.status).reason(), "SESSION_NOT_FOUND");
}

TEST_F(Subscribe, two_sessions_have_two_ids_and_end_with_their_stream) {
  host.api().add_topic("orders", 1);
  serve();
  auto one = subscribe(request(1)), two = subscribe(request(1));
  const std::string first = session(*one), second = session(*two);
  EXPECT_NE(first, second);
  ASSERT_TRUE(host.api().wait_parked(2));
  one.reset();
  ASSERT_TRUE(host.api().wait_parked(1));
  EXPECT_FALSE(credit(first, 1).status.ok());
  EXPECT_TRUE(credit(second, 1).status.ok());
}

TEST_F(Subscribe, a_stopped_reader_holds_a_bounded_number_of_leases_and_disturbs_nobody) {
  host.api().add_topic("orders", 20);
  for (int p = 0; p < 20; ++p)
    for (int i = 0; i < 5; ++i) host.api().append("orders", p, batch_of(1, 500 << 10));
  TransportConfig config;
  config.subscribe_ready_bytes = 1 << 20;
  serve(config);
  v1::SubscribeRequest r = request(20, 1 << 30);
  r.set_bytes_max(1);
  auto stopped = subscribe(r);  // never read
  RawClient other(listener->address());
  for (int i = 0; i < 20; ++i) {
    v1::FetchRequest fetch;
    fetch.set_topic("orders");
    fetch.set_partition(i);
    fetch.set_bytes_max(1);
    ASSERT_TRUE(other.call(kFetch, fetch.SerializeAsString()).status.ok());
  }
  // gRPC lets go of the other client's last batch when it likes. What stays is the reader's: one frame on its way, ready ones up to 1 MiB and the
  // one that crosses it; 100 batches are there.
  for (int looks = 0; looks < 1'000'000 && host.api().leases() > 5; ++looks) std::this_thread::yield();
  EXPECT_LE(host.api().leases(), 5);
}

TEST_F(Subscribe, a_failed_part_says_why_and_the_others_go_on) {
  host.api().add_topic("orders", 1);
  host.api().append("orders", 0, batch_of(1));
  serve();
  v1::SubscribeRequest r = request(1);
  r.add_parts()->set_topic("nowhere");
  r.mutable_parts(1)->set_partition(3);
  auto stream = subscribe(r);
  (void)session(*stream);
  bool error = false, data = false;
  for (int i = 0; i < 2; ++i) {
    const auto f = frame(*stream);
    ASSERT_TRUE(f);
    if (f->has_error()) {
      error = true;
      EXPECT_EQ(f->topic(), "nowhere");
      EXPECT_EQ(f->partition(), 3);
      EXPECT_EQ(f->error().code(), v1::CODE_NOT_FOUND);
      EXPECT_EQ(f->error().reason(), "TOPIC_NOT_FOUND");
    } else {
      data = !f->records().empty();
    }
  }
  EXPECT_TRUE(error && data);
  host.api().append("orders", 0, batch_of(1));
  EXPECT_TRUE(frame(*stream));
}

TEST_F(Subscribe, a_part_that_is_refused_for_a_while_waits_instead_of_failing) {
  host.api().add_topic("orders", 2);
  for (int p = 0; p < 2; ++p) host.api().append("orders", p, batch_of(1));
  host.api().fail_fetches(Status(ION_E_OVERLOADED, "readers hold too much"));
  serve();
  auto stream = subscribe(request(2));
  (void)session(*stream);
  host.api().fail_fetches(std::nullopt);
  for (int i = 0; i < 2; ++i) {
    std::optional<std::string> bytes;
    for (int tries = 0; tries < 100 && !stream->read_within(20, &bytes); ++tries) host.tick(seconds(1));
    ASSERT_TRUE(bytes);
    EXPECT_FALSE(parse<v1::FetchResponse>(*bytes).has_error());
  }
}

TEST_F(Subscribe, many_parts_with_records_are_read_a_few_at_a_time) {
  host.api().add_topic("orders", 100);
  for (int p = 0; p < 100; ++p) host.api().append("orders", p, batch_of(1, 100 << 10));
  TransportConfig config;
  config.subscribe_ready_bytes = 256 << 10;
  serve(config);
  auto stopped = subscribe(request(100, 1 << 30));  // reads the session and then nothing
  (void)session(*stopped);
  ASSERT_TRUE(wait_metric("ionstream_transport_sent_messages_total", 2));
  const auto fetches = static_cast<int64_t>(host.api().fetches());
  EXPECT_LE(fetches, host.metric("ionstream_transport_sent_messages_total") + 8) << "what is read and not sent may not be held";
}

TEST_F(Subscribe, when_every_part_has_failed_the_stream_ends_with_the_last_error) {
  serve();
  auto stream = subscribe(request(2, 0, "nowhere"));
  (void)session(*stream);
  for (int i = 0; i < 2; ++i) {
    const auto f = frame(*stream);
    ASSERT_TRUE(f);
    EXPECT_TRUE(f->has_error());
  }
  EXPECT_FALSE(frame(*stream));
  EXPECT_EQ(stream->finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(Subscribe, who_asks_for_what_is_not_there_hears_where_the_log_begins_and_ends) {
  host.api().add_topic("orders", 1);
  host.api().append("orders", 0, batch_of(2));
  serve();
  v1::SubscribeRequest beyond = request(1);
  beyond.mutable_parts(0)->set_offset(1'000'000);
  auto stream = subscribe(beyond);
  (void)session(*stream);
  const auto f = frame(*stream);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->error().code(), v1::CODE_OUT_OF_RANGE);
  EXPECT_EQ(f->log_start(), 0);
  EXPECT_GT(f->high_watermark(), 0);
}

TEST_F(Subscribe, parked_reads_end_when_the_client_goes) {
  host.api().add_topic("orders", 3);
  serve();
  {
    auto stream = subscribe(request(3));
    (void)session(*stream);
    ASSERT_TRUE(host.api().wait_parked(3));
  }
  EXPECT_TRUE(host.api().wait_parked(0));
}

TEST_F(Subscribe, an_idle_stream_gets_a_frame_without_records_before_fifteen_seconds_have_passed) {
  host.api().add_topic("orders", 1);
  serve();
  auto stream = subscribe(request(1));
  (void)session(*stream);
  ASSERT_TRUE(host.api().wait_parked(1));
  host.tick(seconds(5));
  std::optional<std::string> none;
  EXPECT_FALSE(stream->read_within(50, &none));
  host.tick(seconds(9));
  const auto heartbeat = frame(*stream);
  ASSERT_TRUE(heartbeat);
  EXPECT_EQ(heartbeat->topic(), "");
  EXPECT_EQ(heartbeat->records(), "");
}

TEST_F(Subscribe, a_wait_that_ends_without_data_is_asked_again_but_not_in_a_circle) {
  host.api().add_topic("orders", 1);
  serve();
  auto stream = subscribe(request(1));
  (void)session(*stream);
  ASSERT_TRUE(host.api().wait_parked(1));
  host.clock().advance(seconds(15));
  host.api().end_waits();
  ASSERT_TRUE(host.api().wait_parked(1)) << "after its time it is asked again at once";
  host.api().end_waits();
  EXPECT_TRUE(host.api().wait_parked(0));
  host.tick(seconds(1));
  EXPECT_TRUE(host.api().wait_parked(1)) << "before its time only with the next tick";
}

TEST_F(Subscribe, messages_come_decoded) {
  host.api().add_topic("orders", 1);
  host.api().append("orders", 0, batch_of(3));
  serve();
  v1::SubscribeRequest r = request(1);
  r.set_delivery(v1::DELIVERY_MESSAGES);
  r.mutable_parts(0)->set_offset(1);
  auto stream = subscribe(r);
  (void)session(*stream);
  const auto f = frame(*stream);
  ASSERT_TRUE(f);
  ASSERT_EQ(f->messages_size(), 2);
  EXPECT_EQ(f->messages(0).offset(), 1);
  EXPECT_EQ(f->records(), "");
}

TEST_F(Subscribe, bad_requests_are_refused_in_words) {
  host.api().add_topic("orders", 1);
  TransportConfig config;
  config.subscribe_parts_max = 2;
  serve(config);
  for (const auto& r : {request(0), request(3), request(1, 0, "")}) {
    auto stream = subscribe(r);
    EXPECT_FALSE(stream->read());
    const grpc::Status status = stream->finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_FALSE(status.error_message().empty());
  }
}

}  // namespace
}  // namespace ion::test
