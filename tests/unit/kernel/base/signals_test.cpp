#include "base/signals.h"

#include "unit/kernel/base/support.h"

#include <csignal>

namespace ion::base {
namespace {

using test::must;

struct SignalsTest : ::testing::Test {
  SignalsTest() : loop(must(IoLoop::start())), signals(must(Signals::start(*loop))) {}
  ~SignalsTest() override { loop->stop(); }
  static void send(int signal) { ASSERT_EQ(::kill(::getpid(), signal), 0); }

  std::unique_ptr<IoLoop> loop;
  std::unique_ptr<Signals> signals;
};

TEST_F(SignalsTest, sigterm_ends_the_wait) {
  send(SIGTERM);
  EXPECT_EQ(signals->next(), SIGTERM);
}

TEST_F(SignalsTest, sigint_ends_the_wait_and_a_later_signal_is_heard_too) {
  send(SIGINT);
  EXPECT_EQ(signals->next(), SIGINT);
  send(SIGTERM);
  EXPECT_EQ(signals->next(), SIGTERM);
}

TEST_F(SignalsTest, sighup_is_heard_and_ends_nothing_that_follows) {
  send(SIGHUP);
  EXPECT_EQ(signals->next(), SIGHUP);
  EXPECT_EQ(signals->next(nanoseconds(1)), std::nullopt);
}

}  // namespace
}  // namespace ion::base
