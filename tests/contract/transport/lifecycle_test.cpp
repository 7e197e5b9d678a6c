// Listening, refusing, draining, stopping.
#include "transport_fixture.h"

namespace ion::test {
namespace {

class Lifecycle : public TransportTest {
 protected:
  Result<std::unique_ptr<Listener>> listen(const std::string& url) { return plugin->transport().listen(url); }
  static Status stop_one(Listener& one) {
    OpEnd stopped;
    stopped.ask({}, [&](Op& op) { return one.stop(op); });
    return stopped.wait();
  }
};

TEST_F(Lifecycle, port_0_is_a_real_port_in_the_address) {
  serve();
  const std::string address = listener->address();
  EXPECT_EQ(address.substr(0, 10), "127.0.0.1:");
  EXPECT_NE(address.substr(10), "0");
  EXPECT_TRUE(client->call("/ionstream.v1.Admin/ClusterInfo", "").status.ok());
}

TEST_F(Lifecycle, an_empty_url_is_the_configured_one) {
  TransportConfig config;
  config.listen = "[::1]:0";
  serve(config);
  auto other = listen("");
  if (!other) GTEST_SKIP() << "this machine has no IPv6 loopback: " << other.error().text();
  EXPECT_EQ((*other)->address().substr(0, 6), "[::1]:");
  RawClient six((*other)->address());
  EXPECT_TRUE(six.call("/ionstream.v1.Admin/ClusterInfo", "").status.ok());
  EXPECT_TRUE(stop_one(**other).ok());
}

TEST_F(Lifecycle, a_taken_port_is_busy_and_named) {
  serve();
  const auto second = listen(listener->address());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ION_E_BUSY);
  EXPECT_NE(second.error().message().find(listener->address()), std::string::npos) << second.error().message();
}

TEST_F(Lifecycle, plaintext_beyond_loopback_is_refused_in_words) {
  serve();
  for (const char* url : {"0.0.0.0:0", "[::]:0", "broker-a:0"}) {
    const auto refused = listen(url);
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().code(), ION_E_UNSUPPORTED);
  }
  EXPECT_EQ(listen("nonsense").error().code(), ION_E_INVALID);
}

TEST_F(Lifecycle, a_stopped_listener_gives_its_port_back) {
  serve();
  const std::string address = listener->address();
  client.reset();
  ASSERT_TRUE(stop().ok());
  auto again = listen(address);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ((*again)->address(), address);
  RawClient other(address);
  EXPECT_TRUE(other.call("/ionstream.v1.Admin/ClusterInfo", "").status.ok());
  EXPECT_TRUE(stop_one(**again).ok());
}

TEST_F(Lifecycle, two_listeners_serve_side_by_side) {
  serve();
  auto second = listen("127.0.0.1:0");
  ASSERT_TRUE(second);
  RawClient other((*second)->address());
  EXPECT_TRUE(other.call("/ionstream.v1.Admin/ClusterInfo", "").status.ok());
  EXPECT_TRUE(stop_one(**second).ok());
  EXPECT_TRUE(client->call("/ionstream.v1.Admin/ClusterInfo", "").status.ok());
}

TEST_F(Lifecycle, a_drain_refuses_new_calls_and_lets_those_in_flight_finish) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  serve();
  auto busy = client->open(kProduce);
  ASSERT_TRUE(busy->write(produce_request("orders", 0, batch_of(1))));
  ASSERT_TRUE(host.api().wait_produced(1));
  OpEnd drained;
  drained.ask({}, [&](Op& op) { return listener->drain(op); });
  const UnaryResult refused = client->call(kProduce, produce_request("orders", 0, batch_of(1)));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(detail_of(refused.status).code(), v1::CODE_CLOSED);
  EXPECT_EQ(detail_of(refused.status).reason(), "DRAINING");
  EXPECT_TRUE(detail_of(refused.status).retriable());
  EXPECT_FALSE(drained.done());
  host.api().release_all();
  EXPECT_TRUE(busy->read());
  EXPECT_TRUE(busy->finish().ok());
  EXPECT_TRUE(drained.wait().ok());
}

TEST_F(Lifecycle, a_drain_ends_streams_politely_behind_what_was_sent) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  serve();
  auto produce = client->open(kProduceStream), subscribe = client->open(kSubscribe), fetch = client->open(kFetch);
  ASSERT_TRUE(produce->write(produce_request("orders", 0, batch_of(1), 5)));
  v1::SubscribeRequest r;
  r.add_parts()->set_topic("orders");
  r.mutable_parts(0)->set_offset(1);
  ASSERT_TRUE(host.api().wait_produced(1));
  ASSERT_TRUE(subscribe->write(r.SerializeAsString()));
  ASSERT_TRUE(subscribe->read());  // the session
  v1::FetchRequest f;
  f.set_topic("orders");
  f.set_offset(1);
  f.set_wait_ms(60'000);
  ASSERT_TRUE(fetch->write(f.SerializeAsString()));
  ASSERT_TRUE(host.api().wait_parked(2));
  OpEnd drained;
  drained.ask({}, [&](Op& op) { return listener->drain(op); });
  EXPECT_FALSE(subscribe->read());
  EXPECT_EQ(detail_of(subscribe->finish()).reason(), "DRAINING");
  EXPECT_FALSE(fetch->read());
  EXPECT_EQ(detail_of(fetch->finish()).reason(), "DRAINING");
  host.api().release_all();
  const auto ack = produce->read();
  ASSERT_TRUE(ack);
  EXPECT_EQ(parse<v1::ProduceResponse>(*ack).acks(0).correlation(), 5u);
  EXPECT_FALSE(produce->read());
  EXPECT_EQ(detail_of(produce->finish()).reason(), "DRAINING");
  EXPECT_TRUE(drained.wait().ok());
}

TEST_F(Lifecycle, a_drain_that_takes_too_long_says_how_many_calls_are_left) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  serve();
  auto busy = client->open(kProduce);
  ASSERT_TRUE(busy->write(produce_request("orders", 0, batch_of(1))));
  ASSERT_TRUE(host.api().wait_produced(1));
  OpEnd drained;
  drained.ask({host.clock().now() + seconds(5), 0}, [&](Op& op) { return listener->drain(op); });
  host.tick(seconds(4));
  EXPECT_FALSE(drained.done());
  host.tick(seconds(2));
  const Status status = drained.wait();
  EXPECT_EQ(status.code(), ION_E_DEADLINE);
  EXPECT_NE(status.message().find("1 calls"), std::string::npos) << status.message();
}

TEST_F(Lifecycle, a_drain_does_not_wait_for_a_peer_that_neither_reads_nor_sends) {
  host.api().add_topic("orders", 1);
  for (int i = 0; i < 8; ++i) host.api().append("orders", 0, batch_of(1, 500 << 10));
  serve();
  auto reader = client->open(kSubscribe);  // gets four megabytes and never reads
  v1::SubscribeRequest r;
  r.add_parts()->set_topic("orders");
  ASSERT_TRUE(reader->write(r.SerializeAsString()));
  ASSERT_TRUE(reader->read());  // the session
  ASSERT_TRUE(wait_metric("ionstream_transport_sent_messages_total", 2));  // more than a client takes that does not read
  auto mute = client->open(kProduce);  // says nothing
  ASSERT_TRUE(wait_metric("ionstream_transport_calls", 2));
  OpEnd drained;
  drained.ask({host.clock().now() + seconds(20), 0}, [&](Op& op) { return listener->drain(op); });
  host.tick(seconds(1));
  EXPECT_FALSE(drained.done());
  host.tick(seconds(1));
  EXPECT_TRUE(drained.wait().ok());
  EXPECT_TRUE(host.api().wait_leases(0));
}

TEST_F(Lifecycle, a_stop_cuts_every_call_and_waits_for_what_the_kernel_still_holds) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  serve();
  auto busy = client->open(kProduceStream);
  ASSERT_TRUE(busy->write(produce_request("orders", 0, batch_of(1))));
  ASSERT_TRUE(host.api().wait_produced(1));
  OpEnd stopped;
  stopped.ask({}, [&](Op& op) { return listener->stop(op); });
  EXPECT_FALSE(busy->read());
  EXPECT_FALSE(busy->finish().ok());
  EXPECT_FALSE(stopped.done()) << "the batch is still in flight";
  host.api().release_all();
  EXPECT_TRUE(stopped.wait().ok());
  listener.reset();
}

TEST_F(Lifecycle, calls_above_the_limit_are_refused_and_others_are_not_disturbed) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  TransportConfig config;
  config.calls_max = 2;
  serve(config);
  auto one = client->open(kProduce), two = client->open(kProduce);
  ASSERT_TRUE(one->write(produce_request("orders", 0, batch_of(1))));
  ASSERT_TRUE(two->write(produce_request("orders", 0, batch_of(1))));
  ASSERT_TRUE(host.api().wait_produced(2));
  const UnaryResult third = client->call(kProduce, produce_request("orders", 0, batch_of(1)));
  EXPECT_EQ(third.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(detail_of(third.status).reason(), "CALLS_MAX");
  host.api().release_all();
  EXPECT_TRUE(one->read());
  EXPECT_TRUE(two->read());
}

TEST_F(Lifecycle, the_plugins_drain_stops_what_the_host_has_not_stopped) {
  serve();
  OpEnd drained;
  drained.ask({}, [&](Op& op) { return plugin->drain(op); });
  EXPECT_TRUE(drained.wait().ok());
  EXPECT_EQ(host.timers().armed(), 0u);
  const auto late = listen("127.0.0.1:0");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ION_E_CLOSED);
  listener.reset();
}

TEST_F(Lifecycle, calls_that_come_during_a_stop_hurt_nobody) {
  host.api().add_topic("orders", 1);
  serve();
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, address = listener->address()] {
      RawClient busy(address);
      for (int i = 0; i < 50; ++i)
        if (!busy.call(kProduce, produce_request("orders", 0, batch_of(1)), 5).status.ok()) return;
    });
  (void)host.api().wait_produced(20);
  EXPECT_TRUE(stop().ok());
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace ion::test
