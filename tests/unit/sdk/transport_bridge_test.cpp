#include <gtest/gtest.h>
#include <ion/bridge/transport_bridge.h>

#include "unit/sdk/asked.h"

namespace ion {
namespace {

using test::Asked;
using test::How;

struct Notes {
  test::Script script;
  std::string url, address = "127.0.0.1:41234";
  int listeners_alive = 0;
};
class FakeListener final : public Listener {
 public:
  explicit FakeListener(Notes& notes) : notes_(notes) { ++notes_.listeners_alive; }
  ~FakeListener() override { --notes_.listeners_alive; }
  std::string address() override { return notes_.address; }
  Answer drain(Op& op) override { return notes_.script.answer(op, 3); }
  Answer stop(Op& op) override {
    const Answer answer = notes_.script.answer(op);
    notes_.url += " stopped";  // the object must still be there after its completion
    return answer;
  }

 private:
  Notes& notes_;
};
struct Plugin final : Transport {
  Notes notes;
  Transport& transport() { return *this; }
  Result<std::unique_ptr<Listener>> listen(std::string_view url) override {
    notes.url = url;
    if (notes.script.how == How::kThrow) throw std::runtime_error("listen threw");
    if (notes.script.how == How::kRefuse) return Status(ION_E_BUSY, "port 9640 is taken");
    return std::unique_ptr<Listener>(std::make_unique<FakeListener>(notes));
  }
};
struct ThereAndBack {
  Plugin plugin;
  ion_transport table = export_transport<Plugin>;
  ImportedTransport transport{ion_ref{&table, &plugin}};
  std::unique_ptr<Listener> listener = *transport.listen("grpc://127.0.0.1:0");
  ~ThereAndBack() {
    plugin.notes.script.how = How::kInline;
    if (plugin.notes.listeners_alive > 0) Asked([this](Op& op) { return listener->stop(op); });
  }
};

TEST(TransportBridge, listen_gives_a_listener_that_knows_its_address) {
  ThereAndBack there;
  EXPECT_EQ(there.plugin.notes.url, "grpc://127.0.0.1:0");
  EXPECT_EQ(there.listener->address(), "127.0.0.1:41234");
  there.plugin.notes.address = std::string(300, 'x');
  EXPECT_EQ(there.listener->address(), "");
}

TEST(TransportBridge, a_listen_that_fails_says_why) {
  ThereAndBack there;
  there.plugin.notes.script.how = How::kRefuse;
  EXPECT_EQ(there.transport.listen("x").error().text(), "BUSY: port 9640 is taken");
  there.plugin.notes.script.how = How::kThrow;
  EXPECT_EQ(there.transport.listen("x").error().text(), "EXCEPTION: listen threw");
}

TEST(TransportBridge, drain_and_stop_end_once_in_each_way_an_op_can_end) {
  for (const bool stop : {false, true})
    for (const test::Expected& way : test::kWays) {
      SCOPED_TRACE(std::to_string(stop) + " way " + std::to_string(static_cast<int>(way.how)));
      ThereAndBack there;
      there.plugin.notes.script.how = way.how;
      Asked asked([&](Op& op) { return stop ? there.listener->stop(op) : there.listener->drain(op); });
      EXPECT_EQ(asked.answers(), way.late ? 0 : 1);
      there.plugin.notes.script.finish();
      EXPECT_EQ(asked.code(), way.code);
      EXPECT_NE(asked.message().find(way.words), std::string::npos) << asked.message();
      EXPECT_EQ(there.plugin.notes.listeners_alive, stop && way.code == ION_OK ? 0 : 1);
    }
}

TEST(TransportBridge, a_shorter_table_answers_unsupported_and_names_the_member) {
  ThereAndBack there;
  const uint32_t full = there.table.size;
  there.table.size = offsetof(ion_transport, listen);
  EXPECT_EQ(there.transport.listen("x").error().message(), "ion.transport/1 has no member listen here");
  EXPECT_EQ(there.listener->address(), "");
  Asked drain([&](Op& op) { return there.listener->drain(op); });
  EXPECT_EQ(drain.message(), "ion.transport/1 has no member drain here");
  Asked stop([&](Op& op) { return there.listener->stop(op); });
  EXPECT_EQ(stop.message(), "ion.transport/1 has no member stop here");
  there.table.size = full;
}

}  // namespace
}  // namespace ion
