#include <ion/key_partition.h>

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace ion {
namespace {

TEST(KeyPartition, hashes_as_kafka_does) {
  // Vectors of Apache Kafka's UtilsTest.
  EXPECT_EQ(murmur2("21"), -973932308);
  EXPECT_EQ(murmur2("foobar"), -790332482);
  EXPECT_EQ(murmur2("a-little-bit-long-string"), -985981536);
  EXPECT_EQ(murmur2("a-little-bit-longer-string"), -1486304829);
  EXPECT_EQ(murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971);
  EXPECT_EQ(murmur2("abc"), 479470107);
}

TEST(KeyPartition, reads_bytes_above_127_as_unsigned) {
  EXPECT_NE(murmur2("\xff\xfe\xfd"), murmur2("\x7f\x7e\x7d"));
  EXPECT_EQ(partition_of_key("\xff\xfe\xfd", 7).v, static_cast<int32_t>((static_cast<uint32_t>(murmur2("\xff\xfe\xfd")) & 0x7fffffff) % 7));
}

TEST(KeyPartition, drops_the_sign_before_the_remainder) {
  EXPECT_EQ(partition_of_key("21", 10).v, (-973932308 & 0x7fffffff) % 10);
  for (int i = 0; i < 1000; ++i) {
    const int32_t p = partition_of_key("key" + std::to_string(i), 3).v;
    EXPECT_GE(p, 0);
    EXPECT_LT(p, 3);
  }
}

TEST(KeyPartition, spreads_keys_over_all_partitions) {
  std::map<int32_t, int> count;
  for (int i = 0; i < 12'000; ++i) ++count[partition_of_key("user-" + std::to_string(i), 12).v];
  ASSERT_EQ(count.size(), 12u);
  for (const auto& [p, n] : count) EXPECT_GT(n, 700) << "partition " << p;
}

}  // namespace
}  // namespace ion
