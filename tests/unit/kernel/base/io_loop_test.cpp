#include "base/io_loop.h"

#include "unit/kernel/base/support.h"

#include <memory>

namespace ion::base {
namespace {

using test::Event;
using test::must;

TEST(io_loop, handlers_run_in_order_on_its_own_thread) {
  auto loop = must(IoLoop::start());
  std::vector<int> order;
  Event done;
  for (int i = 0; i < 3; ++i)
    loop->post([&, i, caller = std::this_thread::get_id()] {
      EXPECT_NE(std::this_thread::get_id(), caller);
      order.push_back(i);
      done.happen();
    });
  ASSERT_TRUE(done.wait(3));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(io_loop, after_stop_nothing_runs_and_handlers_are_dropped) {
  auto loop = must(IoLoop::start());
  EXPECT_FALSE(loop->stopped());
  loop->stop();
  loop->stop();
  EXPECT_TRUE(loop->stopped());
  bool ran = false;
  auto owned = std::make_shared<int>(1);
  loop->post([&ran, owned] { ran = true; });
  loop.reset();
  EXPECT_FALSE(ran);
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace ion::base
