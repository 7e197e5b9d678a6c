#include <ion/suggestion.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ion {
namespace {

TEST(Suggestion, distances_count_swapped_neighbours_as_one) {
  EXPECT_EQ(edit_distance("level", "level"), 0u);
  EXPECT_EQ(edit_distance("levle", "level"), 1u);
  EXPECT_EQ(edit_distance("LEVEL", "level"), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Suggestion, the_nearest_word_is_found_and_a_far_one_is_not) {
  const std::vector<std::string> known = {"segment_bytes", "partitions", "durability"};
  EXPECT_EQ(nearest("segmnt_bytes", known), "segment_bytes");
  EXPECT_EQ(nearest("partition", known), "partitions");
  EXPECT_EQ(nearest("colour", known), "");
  EXPECT_EQ(nearest("x", std::vector<std::string>{"y"}), "") << "a word of one letter is near to nothing";
}

TEST(Suggestion, of_an_endless_word_only_the_head_is_compared) {
  EXPECT_EQ(edit_distance(std::string(100'000, 'a'), std::string(100'000, 'a') + "b"), 0u);
  EXPECT_EQ(nearest(std::string(100'000, 'x'), std::vector<std::string>{"level"}), "");
}

}  // namespace
}  // namespace ion
