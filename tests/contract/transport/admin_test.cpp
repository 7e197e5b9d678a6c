// Topics, offsets, metadata, producers, plugins, cluster.
#include "transport_fixture.h"

namespace ion::test {
namespace {

class Admin : public TransportTest {
 protected:
  template <class Response, class Request>
  Response ask(const std::string& method, const Request& request) {
    const UnaryResult result = client->call(method, request.SerializeAsString());
    EXPECT_TRUE(result.status.ok()) << result.status.error_message();
    return parse<Response>(result.bytes);
  }
};

TEST_F(Admin, a_topic_is_created_described_listed_and_deleted) {
  serve();
  v1::CreateTopicRequest create;
  create.set_name("orders");
  create.set_partitions(2);
  (*create.mutable_config())["durability"] = "os";
  const auto created = ask<v1::CreateTopicResponse>("/ionstream.v1.Admin/CreateTopic", create);
  EXPECT_EQ(created.topic().name(), "orders");
  ASSERT_EQ(created.topic().partitions_size(), 2);
  EXPECT_EQ(created.topic().uuid(), "01020304-0000-0000-0000-000000000000");
  EXPECT_EQ(created.topic().partitions(0).leader_epoch(), 9);
  EXPECT_EQ(created.topic().partitions(0).replicas_size(), 1);
  EXPECT_TRUE(created.topic().partitions(0).has_log_start());
  EXPECT_FALSE(created.topic().partitions(0).has_high_watermark()) << "-1 is: not known here";
  EXPECT_EQ(created.topic().partitions(0).health(), v1::CODE_UNSPECIFIED);
  EXPECT_EQ(created.topic().partitions(1).health(), v1::CODE_CORRUPT);
  EXPECT_FALSE(created.topic().partitions(0).has_bad_from() || created.topic().partitions(0).has_bad_upto()) << "nothing of it is damaged";
  EXPECT_EQ(created.topic().partitions(1).bad_from(), 4);
  EXPECT_EQ(created.topic().partitions(1).bad_upto(), 7);
  ASSERT_EQ(created.topic().config_size(), 2);
  EXPECT_EQ(created.topic().config(0).key(), "durability");
  EXPECT_TRUE(created.topic().config(0).set());
  EXPECT_FALSE(created.topic().config(1).set());

  v1::DescribeTopicRequest describe;
  describe.set_name("orders");
  EXPECT_EQ(ask<v1::DescribeTopicResponse>("/ionstream.v1.Admin/DescribeTopic", describe).topic().name(), "orders");
  EXPECT_EQ(ask<v1::ListTopicsResponse>("/ionstream.v1.Admin/ListTopics", v1::ListTopicsRequest()).topics_size(), 1);
  v1::DeleteTopicRequest remove;
  remove.set_name("orders");
  (void)ask<v1::DeleteTopicResponse>("/ionstream.v1.Admin/DeleteTopic", remove);
  EXPECT_EQ(ask<v1::ListTopicsResponse>("/ionstream.v1.Admin/ListTopics", v1::ListTopicsRequest()).topics_size(), 0);
}

TEST_F(Admin, a_dry_run_says_so_to_the_kernel) {
  serve();
  v1::CreateTopicRequest create;
  create.set_name("orders");
  create.set_dry_run(true);
  EXPECT_EQ(ask<v1::CreateTopicResponse>("/ionstream.v1.Admin/CreateTopic", create).topic().name(), "orders");
  EXPECT_EQ(ask<v1::ListTopicsResponse>("/ionstream.v1.Admin/ListTopics", v1::ListTopicsRequest()).topics_size(), 0);
}

TEST_F(Admin, a_topic_is_altered_by_what_is_named_and_no_more) {
  serve();
  v1::CreateTopicRequest create;
  create.set_name("orders");
  (*create.mutable_config())["durability"] = "os";
  (*create.mutable_config())["segment.ms"] = "5";
  (void)ask<v1::CreateTopicResponse>("/ionstream.v1.Admin/CreateTopic", create);
  const auto keys = [](const v1::TopicInfo& topic) {
    std::string set;
    for (const auto& setting : topic.config())
      if (setting.set()) set += setting.key() + "=" + setting.value() + " ";
    return set;
  };
  v1::AlterTopicRequest alter;
  alter.set_name("orders");
  (*alter.mutable_set())["retention.ms"] = "7d";
  (*alter.mutable_set())["empty"] = "";
  alter.add_unset("durability");
  alter.set_dry_run(true);
  EXPECT_EQ(keys(ask<v1::AlterTopicResponse>("/ionstream.v1.Admin/AlterTopic", alter).topic()), "empty= retention.ms=7d segment.ms=5 ");
  v1::DescribeTopicRequest describe;
  describe.set_name("orders");
  EXPECT_EQ(keys(ask<v1::DescribeTopicResponse>("/ionstream.v1.Admin/DescribeTopic", describe).topic()), "durability=os segment.ms=5 ");
  alter.set_dry_run(false);
  (void)ask<v1::AlterTopicResponse>("/ionstream.v1.Admin/AlterTopic", alter);
  EXPECT_EQ(keys(ask<v1::DescribeTopicResponse>("/ionstream.v1.Admin/DescribeTopic", describe).topic()), "empty= retention.ms=7d segment.ms=5 ");
  v1::AlterTopicRequest wider;
  wider.set_name("orders");
  wider.set_partitions(4);
  EXPECT_EQ(ask<v1::AlterTopicResponse>("/ionstream.v1.Admin/AlterTopic", wider).topic().partitions_size(), 4);
  EXPECT_EQ(client->call("/ionstream.v1.Admin/AlterTopic", v1::AlterTopicRequest().SerializeAsString()).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(Admin, a_repair_tells_each_lost_part_and_changes_something_only_when_the_loss_is_accepted) {
  serve();
  v1::CreateTopicRequest create;
  create.set_name("orders");
  (void)ask<v1::CreateTopicResponse>("/ionstream.v1.Admin/CreateTopic", create);
  v1::RepairTopicRequest repair;
  repair.set_topic("orders");
  repair.set_partition(3);
  for (const bool accept : {false, true}) {
    repair.set_accept_loss(accept);
    const auto answer = ask<v1::RepairTopicResponse>("/ionstream.v1.Admin/RepairTopic", repair);
    ASSERT_EQ(answer.lost_size(), 2);
    EXPECT_EQ(answer.lost(1).from(), 20);
    EXPECT_EQ(answer.lost(1).upto(), 24);
    EXPECT_EQ(answer.lost_parts(), 2u);
    EXPECT_EQ(answer.lost_bytes(), 1'234u);
    EXPECT_EQ(answer.log_start(), 5);
    EXPECT_EQ(answer.next(), 30);
    EXPECT_EQ(answer.records_left(), 17u);
    EXPECT_EQ(answer.bytes_left(), 5'678u);
    EXPECT_EQ(answer.repaired(), accept);
    EXPECT_EQ(answer.dense(), !accept);
  }
  repair.set_topic("nothing");
  EXPECT_EQ(client->call("/ionstream.v1.Admin/RepairTopic", repair.SerializeAsString()).status.error_code(), grpc::StatusCode::NOT_FOUND);
  repair.set_topic("");
  EXPECT_EQ(client->call("/ionstream.v1.Admin/RepairTopic", repair.SerializeAsString()).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(Admin, a_trim_without_an_offset_takes_all_and_offset_0_is_an_offset) {
  serve();
  v1::CreateTopicRequest create;
  create.set_name("orders");
  (void)ask<v1::CreateTopicResponse>("/ionstream.v1.Admin/CreateTopic", create);
  v1::TrimTopicRequest trim;
  trim.set_topic("orders");
  trim.set_partition(3);
  EXPECT_EQ(ask<v1::TrimTopicResponse>("/ionstream.v1.Admin/TrimTopic", trim).log_start(), 1'003);
  trim.set_before(0);
  EXPECT_EQ(ask<v1::TrimTopicResponse>("/ionstream.v1.Admin/TrimTopic", trim).log_start(), 0);
  trim.set_topic("nothing");
  EXPECT_EQ(client->call("/ionstream.v1.Admin/TrimTopic", trim.SerializeAsString()).status.error_code(), grpc::StatusCode::NOT_FOUND);
  trim.set_topic("");
  EXPECT_EQ(client->call("/ionstream.v1.Admin/TrimTopic", trim.SerializeAsString()).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(Admin, listing_takes_a_prefix_and_leaves_internal_topics_out_unless_asked) {
  for (const char* name : {"a1", "a2", "b", "__ion_x"}) host.api().add_topic(name, 1);
  serve();
  v1::ListTopicsRequest list;
  EXPECT_EQ(ask<v1::ListTopicsResponse>("/ionstream.v1.Admin/ListTopics", list).topics_size(), 3);
  list.set_prefix("a");
  EXPECT_EQ(ask<v1::ListTopicsResponse>("/ionstream.v1.Admin/ListTopics", list).topics_size(), 2);
  list.set_prefix("");
  list.set_internal_too(true);
  EXPECT_EQ(ask<v1::ListTopicsResponse>("/ionstream.v1.Admin/ListTopics", list).topics_size(), 4);
}

TEST_F(Admin, a_topic_that_is_there_or_is_not_there_is_a_typed_error) {
  host.api().add_topic("orders", 1);
  serve();
  v1::CreateTopicRequest create;
  create.set_name("orders");
  EXPECT_EQ(client->call("/ionstream.v1.Admin/CreateTopic", create.SerializeAsString()).status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  v1::DeleteTopicRequest remove;
  remove.set_name("nowhere");
  const UnaryResult result = client->call("/ionstream.v1.Admin/DeleteTopic", remove.SerializeAsString());
  EXPECT_EQ(result.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(detail_of(result.status).reason(), "TOPIC_NOT_FOUND");
  EXPECT_EQ(client->call("/ionstream.v1.Admin/DeleteTopic", "").status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(client->call("/ionstream.v1.Admin/CreateTopic", "\x0a\xff").status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(Admin, metadata_of_all_topics_or_of_those_named_each_with_its_error) {
  host.api().add_topic("a", 1);
  host.api().add_topic("b", 2);
  serve();
  v1::MetadataRequest request;
  const auto all = ask<v1::MetadataResponse>("/ionstream.v1.Broker/Metadata", request);
  EXPECT_EQ(all.cluster_id(), "the-cluster");
  EXPECT_EQ(all.controller(), 1u);
  ASSERT_EQ(all.brokers_size(), 1);
  EXPECT_EQ(all.brokers(0).address(), "broker-a:9640");
  EXPECT_EQ(all.topics_size(), 2);
  request.add_topics("b");
  request.add_topics("nowhere");
  const auto named = ask<v1::MetadataResponse>("/ionstream.v1.Broker/Metadata", request);
  ASSERT_EQ(named.topics_size(), 2);
  EXPECT_EQ(named.brokers_size(), 1);
  EXPECT_EQ(named.topics(0).partitions_size(), 2);
  EXPECT_EQ(named.topics(1).name(), "nowhere");
  EXPECT_EQ(named.topics(1).error().code(), v1::CODE_NOT_FOUND);
}

TEST_F(Admin, offsets_of_one_partition_of_some_and_of_all) {
  host.api().add_topic("orders", 3);
  host.api().append("orders", 1, batch_of(7));
  serve();
  v1::ListOffsetsRequest request;
  request.set_topic("orders");
  request.set_what(v1::ListOffsetsRequest::WHAT_END);
  const auto all = ask<v1::ListOffsetsResponse>("/ionstream.v1.Broker/ListOffsets", request);
  ASSERT_EQ(all.offsets_size(), 3);
  EXPECT_EQ(all.offsets(1).partition(), 1);
  EXPECT_EQ(all.offsets(1).offset(), 7);
  EXPECT_EQ(all.offsets(2).offset(), 0);
  request.add_partitions(1);
  request.add_partitions(99);
  const auto some = ask<v1::ListOffsetsResponse>("/ionstream.v1.Broker/ListOffsets", request);
  ASSERT_EQ(some.offsets_size(), 2);
  EXPECT_EQ(some.offsets(0).offset(), 7);
  EXPECT_EQ(some.offsets(1).error().code(), v1::CODE_NOT_FOUND);
}

TEST_F(Admin, what_offsets_cannot_be_asked_is_refused) {
  host.api().add_topic("orders", 1);
  serve();
  v1::ListOffsetsRequest request;
  request.set_topic("orders");
  EXPECT_EQ(client->call("/ionstream.v1.Broker/ListOffsets", request.SerializeAsString()).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_what(v1::ListOffsetsRequest::WHAT_TIME);
  EXPECT_EQ(client->call("/ionstream.v1.Broker/ListOffsets", request.SerializeAsString()).status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  request.set_topic("nowhere");
  EXPECT_EQ(client->call("/ionstream.v1.Broker/ListOffsets", request.SerializeAsString()).status.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(Admin, producers_plugins_and_the_cluster_answer) {
  host.api().add_topic("orders", 1);
  serve();
  const auto first = ask<v1::InitProducerResponse>("/ionstream.v1.Broker/InitProducer", v1::InitProducerRequest());
  const auto second = ask<v1::InitProducerResponse>("/ionstream.v1.Broker/InitProducer", v1::InitProducerRequest());
  EXPECT_NE(first.producer_id(), second.producer_id());
  EXPECT_EQ(first.producer_epoch(), 3);
  const auto plugins = ask<v1::ListPluginsResponse>("/ionstream.v1.Admin/ListPlugins", v1::ListPluginsRequest());
  ASSERT_EQ(plugins.plugins_size(), 1);
  EXPECT_EQ(plugins.plugins(0).name(), "dlq");
  EXPECT_EQ(plugins.plugins(0).state(), "started");
  EXPECT_EQ(plugins.plugins(0).needs_size(), 2);
  EXPECT_EQ(plugins.plugins(0).faults(), 2u);
  EXPECT_FALSE(plugins.plugins(0).has_interceptor());
  const auto cluster = ask<v1::ClusterInfoResponse>("/ionstream.v1.Admin/ClusterInfo", v1::ClusterInfoRequest());
  EXPECT_EQ(cluster.cluster_id(), "the-cluster");
  EXPECT_EQ(cluster.topics(), 1u);
  EXPECT_EQ(cluster.brokers_size(), 1);
  EXPECT_EQ(cluster.started_ms(), 1'700'000'000'000u);
  EXPECT_EQ(cluster.state(), "serving");
  EXPECT_FALSE(cluster.refuses_writes());
  EXPECT_EQ(cluster.problems_size(), 0);
  host.api().set_refuses_writes(true);
  const auto full = ask<v1::ClusterInfoResponse>("/ionstream.v1.Admin/ClusterInfo", v1::ClusterInfoRequest());
  EXPECT_TRUE(full.refuses_writes());
  ASSERT_EQ(full.problems_size(), 1);
  EXPECT_EQ(full.problems(0).part() + ": " + full.problems(0).words(), "storage: the disk is full");
  EXPECT_TRUE(full.problems(0).stops_writes());
}

TEST_F(Admin, a_replacement_answers_with_what_serves_now_or_why_nothing_changed) {
  serve();
  v1::ReplacePluginRequest request;
  request.set_name("guard");
  request.set_path("guard-2.so");
  const auto done = ask<v1::ReplacePluginResponse>("/ionstream.v1.Admin/ReplacePlugin", request);
  EXPECT_EQ(done.generation(), 2u);
  EXPECT_EQ(done.version(), "1.1.0");
  EXPECT_EQ(done.old_version(), "1.0.0");
  EXPECT_EQ(done.file(), "/plugins/guard-2.so");
  EXPECT_FALSE(done.old_stays());
  EXPECT_TRUE(done.other_at_restart());
  request.set_path("bad.so");
  EXPECT_EQ(client->call("/ionstream.v1.Admin/ReplacePlugin", request.SerializeAsString()).status.error_message(), "the file is another plugin");
}

TEST_F(Admin, one_plugin_answers_with_its_settings_and_what_it_did) {
  serve();
  v1::ListPluginsRequest request;
  request.set_name("guard");
  const auto plugins = ask<v1::ListPluginsResponse>("/ionstream.v1.Admin/ListPlugins", request);
  ASSERT_EQ(plugins.plugins_size(), 1);
  const v1::PluginInfo& guard = plugins.plugins(0);
  EXPECT_EQ(guard.abi(), "1.0");
  ASSERT_EQ(guard.config_size(), 2);
  EXPECT_EQ(guard.config(0).key() + "=" + guard.config(0).value(), "config.bytes_max=1KiB");
  EXPECT_TRUE(guard.config(0).set());
  EXPECT_FALSE(guard.config(1).set());
  const v1::InterceptorInfo& did = guard.interceptor();
  EXPECT_EQ(std::vector<std::string>(did.hooks().begin(), did.hooks().end()), (std::vector<std::string>{"produce", "fetch"}));
  EXPECT_EQ((std::vector<uint64_t>{did.calls(), did.slow(), did.failed(), did.rejected(), did.dropped(), did.passed_over()}), (std::vector<uint64_t>{9, 1, 2, 3, 4, 5}));
  EXPECT_EQ(did.breaker(), "open");
  EXPECT_EQ(did.breaker_since_ms(), 1'700'000'000'000);
  EXPECT_EQ(did.breaker_until_ms(), 1'700'000'030'000);
  request.set_name("none");
  const UnaryResult none = client->call("/ionstream.v1.Admin/ListPlugins", request.SerializeAsString());
  EXPECT_EQ(none.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(detail_of(none.status).reason(), "PLUGIN_NOT_FOUND");
}

TEST_F(Admin, a_request_that_is_longer_than_its_rpc_takes_is_refused_unread) {
  host.api().add_topic("orders", 1);
  serve();
  for (const auto& [method, bytes] : {std::pair{"/ionstream.v1.Admin/DescribeTopic", size_t{1} << 20}, std::pair{"/ionstream.v1.Broker/Metadata", size_t{4} << 20}}) {
    // The bytes are no message: whoever reads them says so.
    EXPECT_EQ(detail_of(client->call(method, std::string(bytes, '\xff')).status).reason(), "MALFORMED_MESSAGE") << method;
    const UnaryResult longer = client->call(method, std::string(bytes + 1, '\xff'));
    EXPECT_EQ(longer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(detail_of(longer.status).reason(), "REQUEST_TOO_LARGE");
    EXPECT_EQ(longer.status.error_message(), method + (" takes requests of at most " + std::to_string(bytes)) + " bytes, not " + std::to_string(bytes + 1));
  }
}

TEST_F(Admin, a_method_that_nobody_serves_is_unimplemented_in_words) {
  serve();
  for (const char* method : {"/ionstream.v1.Broker/Nonsense", "/no.such.Service/At_all"}) {
    const UnaryResult result = client->call(method, "");
    EXPECT_EQ(result.status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
    EXPECT_NE(result.status.error_message().find(method), std::string::npos);
    EXPECT_EQ(detail_of(result.status).code(), v1::CODE_UNSUPPORTED);
  }
}

}  // namespace
}  // namespace ion::test
