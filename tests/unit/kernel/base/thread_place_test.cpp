#include "base/thread_place.h"

#include <gtest/gtest.h>

#include <thread>

namespace ion::base {
namespace {

TEST(thread_place, a_thread_is_foreign_until_somebody_says_otherwise) {
  EXPECT_EQ(current_place().word, ION_WORD_FOREIGN);
  EXPECT_EQ(current_place().shard, kNoShard);
}

TEST(thread_place, scopes_nest_and_give_back_what_was_before) {
  const PlaceScope outer({ION_WORD_SHARD, 3});
  {
    const PlaceScope inner({ION_WORD_SHARD, 5});
    EXPECT_EQ(current_place().shard, 5u);
  }
  EXPECT_EQ(current_place().word, ION_WORD_SHARD);
  EXPECT_EQ(current_place().shard, 3u);
}

TEST(thread_place, other_threads_do_not_see_it) {
  const PlaceScope here({ION_WORD_CONTROL, kNoShard});
  ion_word seen = ION_WORD_SHARD;
  std::thread([&] { seen = current_place().word; }).join();
  EXPECT_EQ(seen, ION_WORD_FOREIGN);
}

}  // namespace
}  // namespace ion::base
