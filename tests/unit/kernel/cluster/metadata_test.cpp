#include "cluster/core/metadata_codec.h"
#include "cluster/core/metadata_machine.h"

#include <gtest/gtest.h>

namespace ion::cluster {
namespace {

CreateTopic create(std::string name, size_t partitions = 2, uint64_t id = 1) {
  CreateTopic c;
  c.topic.name = std::move(name);
  c.topic.uuid = Uuid::random(id, id);
  c.topic.created = {1'700'000'000'000};
  c.topic.partitions.resize(partitions);
  for (PartitionRecord& p : c.topic.partitions) p.leader = {1}, p.replicas = {{1}};
  c.topic.config = {{"durability", "os"}};
  return c;
}

TEST(MetadataMachine, log_ids_are_given_once_and_never_again) {
  MetadataMachine m;
  const auto a = m.apply(create("a", 2, 1));
  ASSERT_TRUE(a);
  EXPECT_EQ(a->created->partitions[1].log_id, LogId{2});
  ASSERT_TRUE(m.apply(DeleteTopic{"a", a->created->uuid}));
  const auto again = m.apply(create("a", 1, 2));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->created->partitions[0].log_id, LogId{3});
}

TEST(MetadataMachine, a_topic_exists_once) {
  MetadataMachine m;
  ASSERT_TRUE(m.apply(create("a")));
  const auto again = m.apply(create("a", 1, 9));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ION_E_EXISTS);
  EXPECT_EQ(m.partitions(), 2u);
}

TEST(MetadataMachine, deleting_leaves_a_tombstone_until_it_is_forgotten) {
  MetadataMachine m;
  const Uuid uuid = m.apply(create("a", 3))->created->uuid;
  ASSERT_TRUE(m.apply(DeleteTopic{"a", uuid}));
  ASSERT_TRUE(m.tombstones().contains(uuid));
  EXPECT_EQ(m.tombstones().at(uuid).partitions, 3u);
  EXPECT_EQ(m.partitions(), 0u);
  ASSERT_TRUE(m.apply(ForgetTombstone{uuid}));
  EXPECT_TRUE(m.tombstones().empty());
}

TEST(MetadataMachine, a_late_delete_spares_the_namesake) {
  MetadataMachine m;
  const Uuid old = m.apply(create("a", 1, 1))->created->uuid;
  ASSERT_TRUE(m.apply(DeleteTopic{"a", old}));
  ASSERT_TRUE(m.apply(create("a", 1, 2)));
  const auto late = m.apply(DeleteTopic{"a", old});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ION_E_NOT_FOUND);
  EXPECT_EQ(m.topics().size(), 1u);
}

TEST(MetadataMachine, producer_blocks_do_not_overlap) {
  MetadataMachine m;
  EXPECT_EQ(m.apply(ReserveProducers{1000})->first_producer, 1);
  EXPECT_EQ(m.apply(ReserveProducers{1})->first_producer, 1001);
  EXPECT_EQ(m.apply(ReserveProducers{5})->first_producer, 1002);
  EXPECT_FALSE(m.apply(ReserveProducers{0}));
}

TEST(MetadataCodec, every_command_comes_back) {
  const CreateTopic c = create("orders", 3);
  const auto topic = decode(encode(c));
  ASSERT_TRUE(topic);
  const TopicRecord& t = std::get<CreateTopic>(*topic).topic;
  EXPECT_EQ(t.name, "orders");
  EXPECT_EQ(t.uuid, c.topic.uuid);
  EXPECT_EQ(t.partitions.size(), 3u);
  EXPECT_EQ(t.partitions[2].replicas, c.topic.partitions[2].replicas);
  EXPECT_EQ(t.config, c.topic.config);
  EXPECT_EQ(t.created, c.topic.created);
  EXPECT_EQ(std::get<DeleteTopic>(*decode(encode(DeleteTopic{"x", c.topic.uuid}))).name, "x");
  EXPECT_EQ(std::get<ForgetTombstone>(*decode(encode(ForgetTombstone{c.topic.uuid}))).uuid, c.topic.uuid);
  EXPECT_EQ(std::get<ReserveProducers>(*decode(encode(ReserveProducers{7}))).count, 7u);
  const auto alter = std::get<AlterTopic>(*decode(encode(AlterTopic{"x", c.topic.uuid, {{"retention.ms", "5"}, {"a", ""}}, {"b", "c"}})));
  EXPECT_EQ(alter.name, "x");
  EXPECT_EQ(alter.uuid, c.topic.uuid);
  EXPECT_EQ(alter.set, (std::map<std::string, std::string>{{"retention.ms", "5"}, {"a", ""}}));
  EXPECT_EQ(alter.unset, (std::vector<std::string>{"b", "c"}));
  const auto add = std::get<AddPartitions>(*decode(encode(AddPartitions{"x", c.topic.uuid, 3, c.topic.partitions, 99})));
  EXPECT_EQ(add.name, "x");
  EXPECT_EQ(add.before, 3u);
  EXPECT_EQ(add.partitions_max, 99u);
  ASSERT_EQ(add.added.size(), 3u);
  EXPECT_EQ(add.added[2].replicas, c.topic.partitions[2].replicas);
}

TEST(MetadataCodec, what_gives_ids_is_of_a_version_that_older_brokers_do_not_pass_over) {
  EXPECT_EQ(encode(AddPartitions{"x", {}, 1, {}, 1})[0], 2);
  EXPECT_EQ(encode(AlterTopic{"x", {}, {}, {}})[0], 1);
}

TEST(MetadataMachine, settings_that_are_altered_leave_the_others_as_they_are) {
  MetadataMachine m;
  CreateTopic c = create("a", 1);
  c.topic.config = {{"one", "1"}, {"two", "2"}};
  ASSERT_TRUE(m.apply(c));
  const auto altered = m.apply(AlterTopic{"a", c.topic.uuid, {{"three", "3"}}, {"one"}});
  ASSERT_TRUE(altered);
  EXPECT_EQ(altered->altered->config, (std::map<std::string, std::string>{{"three", "3"}, {"two", "2"}}));
  EXPECT_EQ(m.topics().at("a"), altered->altered);
  EXPECT_EQ(m.apply(AlterTopic{"a", Uuid::random(9, 9), {}, {}}).error().code(), ION_E_NOT_FOUND) << "a namesake that was made since is spared";
}

TEST(MetadataMachine, partitions_are_added_behind_those_that_are_there_and_only_to_as_many_as_were_seen) {
  MetadataMachine m;
  const CreateTopic c = create("a", 2);
  ASSERT_TRUE(m.apply(c));
  const std::vector<PartitionRecord> two(2);
  const auto added = m.apply(AddPartitions{"a", c.topic.uuid, 2, two, 10});
  ASSERT_TRUE(added);
  ASSERT_EQ(added->altered->partitions.size(), 4u);
  EXPECT_EQ(added->altered->partitions[0].log_id, LogId{1});
  EXPECT_EQ(added->altered->partitions[3].log_id, LogId{4});
  EXPECT_EQ(m.partitions(), 4u);
  EXPECT_EQ(m.apply(AddPartitions{"a", c.topic.uuid, 2, two, 10}).error().reason(), "PARTITIONS_CHANGED");
  EXPECT_EQ(m.apply(AddPartitions{"a", c.topic.uuid, 4, two, 5}).error().reason(), "TOO_MANY_PARTITIONS");
  EXPECT_EQ(m.partitions(), 4u);
}

TEST(MetadataCodec, a_command_cut_anywhere_or_too_long_is_corrupt) {
  auto bytes = encode(create("orders", 3));
  for (size_t n = 0; n < bytes.size(); ++n) {
    const auto cut = decode(std::span<const uint8_t>(bytes).first(n));
    ASSERT_FALSE(cut) << n;
    EXPECT_EQ(cut.error().code(), ION_E_CORRUPT);
  }
  bytes.push_back(0);
  EXPECT_FALSE(decode(bytes));
}

TEST(MetadataMachine, a_repeated_create_changes_nothing_and_answers_the_same_topic) {
  MetadataMachine m;
  const TopicPtr made = m.apply(create("a", 2, 1))->created;
  const auto again = m.apply(create("a", 2, 1));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->repeated, made);
  EXPECT_EQ(again->created, nullptr);
  EXPECT_EQ(m.partitions(), 2u);
}

TEST(MetadataMachine, a_create_beyond_the_limits_that_it_names_has_no_effect) {
  MetadataMachine m;
  CreateTopic c = create("a", 3);
  c.partitions_max = 2;
  EXPECT_EQ(m.apply(c).error().reason(), "TOO_MANY_PARTITIONS");
  c.partitions_max = 3, c.topics_max = 0;
  EXPECT_EQ(m.apply(c).error().reason(), "TOO_MANY_TOPICS");
  c.topics_max = 1;
  const auto made = m.apply(*decode(encode(c)));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->created->partitions[0].log_id, LogId{1});
}

TEST(MetadataCodec, a_create_without_limits_can_still_be_read) {
  std::vector<uint8_t> bytes = encode(create("orders", 1));
  bytes.erase(bytes.begin() + 2, bytes.begin() + 18);  // kind 1 is kind 5 without its two limits
  bytes[1] = 1;
  const auto old = decode(bytes);
  ASSERT_TRUE(old);
  EXPECT_EQ(std::get<CreateTopic>(*old).topic.name, "orders");
  EXPECT_EQ(std::get<CreateTopic>(*old).topics_max, UINT64_MAX);
}

TEST(MetadataCodec, an_unknown_kind_or_version_is_unsupported_and_named) {
  const uint8_t unknown[] = {1, 99};
  EXPECT_EQ(decode(unknown).error().reason(), kUnknownKind);
  EXPECT_NE(decode(unknown).error().message().find("99"), std::string::npos);
  const uint8_t newer[] = {2, 1};
  EXPECT_EQ(decode(newer).error().reason(), kUnknownVersion);
  EXPECT_NE(decode(newer).error().message().find("want version 1, or 2 of the kind that adds partitions, have 2 of kind 1"), std::string::npos);
}

}  // namespace
}  // namespace ion::cluster
