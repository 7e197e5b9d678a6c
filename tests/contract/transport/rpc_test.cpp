// RPCs of other plugins, registered as byte handlers.
#include "transport_fixture.h"

#include <atomic>
#include <deque>
#include <thread>

namespace ion::test {
namespace {

// A plugin that remembers what its sink was told; the test speaks for it through `ops`.
struct Plugin {
  std::mutex mutex;
  std::condition_variable changed;
  ion_stream* stream = nullptr;
  const ion_stream_ops* ops = nullptr;
  std::deque<std::string> messages;
  bool half_closed = false, closed = false, echo = false;
  int writable = 0;
  ion_status refuse = ION_OK, why = ION_OK;

  static Plugin& of(void* self) { return *static_cast<Plugin*>(self); }
  static ion_status accept(void* self, ion_stream* s, const ion_stream_ops* ops, ion_stream_sink* sink) noexcept {
    Plugin& p = of(self);
    if (p.refuse != ION_OK) return p.refuse;
    const std::lock_guard lock(p.mutex);
    p.stream = s, p.ops = ops;
    sink->self = self;
    sink->on_message = [](void* me, ion_stream* stream, const ion_buf* parts, uint32_t n) noexcept -> ion_status {
      Plugin& q = of(me);
      if (q.echo) {
        if (parts != nullptr) (void)q.ops->send(stream, parts, n), q.ops->grant(stream, 1);
        else q.ops->finish(stream, ION_OK, {});
        return ION_OK;
      }
      const std::lock_guard guard(q.mutex);
      if (parts == nullptr) q.half_closed = true;
      std::string bytes;
      for (uint32_t i = 0; i < n; ++i) bytes += text_of(span_of(parts[i]));
      if (parts != nullptr) q.messages.push_back(bytes);
      q.changed.notify_all();
      return ION_OK;
    };
    sink->on_writable = [](void* me, ion_stream*) noexcept -> ion_status {
      const std::lock_guard guard(of(me).mutex);
      ++of(me).writable;
      of(me).changed.notify_all();
      return ION_OK;
    };
    sink->on_close = [](void* me, ion_stream*, ion_status why, ion_bytes) noexcept -> ion_status {
      const std::lock_guard guard(of(me).mutex);
      of(me).closed = true, of(me).why = why, of(me).stream = nullptr;
      of(me).changed.notify_all();
      return ION_OK;
    };
    p.changed.notify_all();
    return ION_OK;
  }
  template <class F>
  bool wait(F&& until) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), until);
  }
  bool accepted() {
    return wait([&] { return stream != nullptr; });
  }
  ion_status send(const std::string& bytes) {
    const ion_buf part = borrowed(span_of(bytes));
    return ops->send(stream, &part, 1);
  }
};

constexpr char kMethod[] = "/plugin.demo.Echoes/Say";

class Rpc : public TransportTest {
 protected:
  void serve_plugin(uint32_t kind = ION_RPC_STREAM) {
    host.add_rpc({sizeof(ion_rpc_handler), kind, ION_RPC_PUBLIC, 0, bytes_of(kMethod), &other, &Plugin::accept});
    serve();
  }
  Plugin other;
};

TEST_F(Rpc, a_unary_handler_answers_with_one_message) {
  other.echo = true;
  serve_plugin(ION_RPC_UNARY);
  for (const size_t size : {size_t{0}, size_t{5}, size_t{1} << 20}) {
    const std::string bytes(size, 'e');
    const UnaryResult result = client->call(kMethod, bytes);
    EXPECT_TRUE(result.status.ok()) << result.status.error_message();
    EXPECT_EQ(result.bytes.size(), size);
  }
}

TEST_F(Rpc, a_stream_carries_messages_both_ways_in_order) {
  other.echo = true;
  serve_plugin();
  auto stream = client->open(kMethod);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(stream->write("message " + std::to_string(i)));
    EXPECT_EQ(stream->read(), "message " + std::to_string(i));
  }
  stream->done_writing();
  EXPECT_FALSE(stream->read());
  EXPECT_TRUE(stream->finish().ok());
}

TEST_F(Rpc, messages_come_only_as_far_as_the_plugin_has_granted) {
  serve_plugin();
  auto stream = client->open(kMethod);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(stream->write(std::to_string(i)));
  ASSERT_TRUE(other.wait([&] { return other.messages.size() == 1; })) << "the window starts at 1";
  EXPECT_EQ(client->call("/no/such", "").status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(other.messages.size(), 1u);
  other.ops->grant(other.stream, 3);
  ASSERT_TRUE(other.wait([&] { return other.messages.size() == 4; }));
  stream->done_writing();
  other.ops->grant(other.stream, 2);
  ASSERT_TRUE(other.wait([&] { return other.half_closed; }));
  EXPECT_EQ(other.messages, (std::deque<std::string>{"0", "1", "2", "3", "4"}));
}

TEST_F(Rpc, a_reader_that_stops_makes_send_busy_and_a_free_slot_is_told) {
  serve_plugin();
  auto stream = client->open(kMethod);
  ASSERT_TRUE(other.accepted());
  const std::string large(1 << 20, 'x');
  int sent = 0;
  while (other.send(large) == ION_OK && sent < 1000) ++sent;
  EXPECT_LT(sent, 100) << "the queue has a bound";
  ASSERT_TRUE(stream->read());
  for (int i = 1; i < sent; ++i) ASSERT_TRUE(stream->read());
  EXPECT_TRUE(other.wait([&] { return other.writable > 0; }));
  EXPECT_EQ(other.send("more"), ION_OK);
  EXPECT_EQ(stream->read(), "more");
}

TEST_F(Rpc, the_end_that_the_plugin_says_comes_behind_its_messages) {
  serve_plugin();
  auto stream = client->open(kMethod);
  ASSERT_TRUE(other.accepted());
  ASSERT_EQ(other.send("a"), ION_OK);
  ASSERT_EQ(other.send("b"), ION_OK);
  other.ops->finish(other.stream, ION_E_CONFLICT, bytes_of("a newer one is there"));
  EXPECT_EQ(stream->read(), "a");
  EXPECT_EQ(stream->read(), "b");
  EXPECT_FALSE(stream->read());
  const grpc::Status status = stream->finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(status.error_message(), "a newer one is there");
  EXPECT_TRUE(other.wait([&] { return other.closed; }));
  EXPECT_EQ(other.why, ION_E_CONFLICT);
}

TEST_F(Rpc, a_plugin_may_speak_from_many_threads) {
  serve_plugin();
  auto stream = client->open(kMethod);
  ASSERT_TRUE(other.accepted());
  std::vector<std::thread> threads;
  std::atomic<int> sent{0};
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i)
        if (other.send("x") == ION_OK) ++sent;
    });
  for (auto& thread : threads) thread.join();
  other.ops->finish(other.stream, ION_OK, {});
  int got = 0;
  while (stream->read()) ++got;
  EXPECT_EQ(got, sent.load());
  EXPECT_TRUE(stream->finish().ok());
}

TEST_F(Rpc, a_client_that_goes_closes_the_sink_once) {
  serve_plugin();
  {
    auto stream = client->open(kMethod);
    ASSERT_TRUE(other.accepted());
  }
  ASSERT_TRUE(other.wait([&] { return other.closed; }));
  EXPECT_EQ(other.why, ION_E_CANCELLED);
}

TEST_F(Rpc, the_plugin_sees_peer_method_and_metadata) {
  serve_plugin();
  auto stream = client->open(kMethod, std::nullopt, {{"x-ion-topic", "orders"}});
  ASSERT_TRUE(other.accepted());
  ion_bytes out{};
  ASSERT_EQ(other.ops->attr(other.stream, ION_STREAM_METADATA, bytes_of("x-ion-topic"), &out), ION_OK);
  EXPECT_EQ(text_of(out), "orders");
  EXPECT_EQ(other.ops->attr(other.stream, ION_STREAM_METADATA, bytes_of("x-ion-key"), &out), ION_E_NOT_FOUND);
  ASSERT_EQ(other.ops->attr(other.stream, ION_STREAM_METHOD, {}, &out), ION_OK);
  EXPECT_EQ(text_of(out), kMethod);
  ASSERT_EQ(other.ops->attr(other.stream, ION_STREAM_PEER, {}, &out), ION_OK);
  EXPECT_EQ(text_of(out).substr(0, 10), "127.0.0.1:");
}

TEST_F(Rpc, a_plugin_that_refuses_gives_its_code) {
  other.refuse = ION_E_FORBIDDEN;
  serve_plugin();
  EXPECT_EQ(client->call(kMethod, "x").status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(Rpc, a_drain_and_a_tick_that_come_while_a_call_is_accepted_find_it_whole) {
  OpEnd drained;
  host.while_a_call_is_accepted([&] {
    host.tick(seconds(1));
    drained.ask({}, [&](Op& op) { return listener->drain(op); });
  });
  serve_plugin();
  auto stream = client->open(kMethod);
  EXPECT_FALSE(stream->read());
  EXPECT_EQ(detail_of(stream->finish()).reason(), "DRAINING") << "a stream that was being accepted hears of the drain";
  EXPECT_TRUE(drained.wait().ok());
}

}  // namespace
}  // namespace ion::test
