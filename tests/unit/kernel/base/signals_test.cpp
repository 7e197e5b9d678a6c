#include "base/signals.h"

#include "unit/kernel/base/support.h"

#include <csignal>

namespace ion::base {
namespace {

using test::Event;
using test::must;

struct SignalsTest : ::testing::Test {
  SignalsTest()
      : loop(must(IoLoop::start())), signals(must(Signals::start(*loop, [this](int signal) {
          last = signal;
          heard.happen();
        }))) {}
  ~SignalsTest() override { loop->stop(); }
  static void send(int signal) { ASSERT_EQ(::kill(::getpid(), signal), 0); }

  Event heard;
  int last = 0;  // read after `heard`
  std::unique_ptr<IoLoop> loop;
  std::unique_ptr<Signals> signals;
};

TEST_F(SignalsTest, sigterm_is_heard_and_ends_the_wait) {
  send(SIGTERM);
  EXPECT_EQ(signals->wait_for_stop(seconds(60)), SIGTERM);
  ASSERT_TRUE(heard.wait());
  EXPECT_EQ(last, SIGTERM);
}

TEST_F(SignalsTest, sigint_ends_the_wait_and_a_second_signal_is_heard_too) {
  send(SIGINT);
  EXPECT_EQ(signals->wait_for_stop(), SIGINT);
  ASSERT_TRUE(heard.wait(1));
  send(SIGTERM);
  ASSERT_TRUE(heard.wait(2));
  EXPECT_EQ(last, SIGTERM);
  EXPECT_EQ(signals->wait_for_stop(), SIGINT);
}

TEST_F(SignalsTest, sighup_is_heard_and_stops_nothing) {
  send(SIGHUP);
  ASSERT_TRUE(heard.wait());
  EXPECT_EQ(last, SIGHUP);
  EXPECT_EQ(signals->wait_for_stop(nanoseconds(1)), std::nullopt);
}

TEST_F(SignalsTest, a_stop_may_be_requested_without_a_signal) {
  std::thread other([&] { signals->request_stop(SIGTERM); });
  EXPECT_EQ(signals->wait_for_stop(), SIGTERM);
  other.join();
  EXPECT_EQ(heard.times(), 0u);
}

}  // namespace
}  // namespace ion::base
