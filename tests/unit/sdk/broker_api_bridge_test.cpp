#include <gtest/gtest.h>
#include <ion/bridge/broker_api_bridge.h>

#include <cstring>

#include "unit/sdk/asked.h"

namespace ion {
namespace {

using test::Asked;

// Fills whole answers of today's size, as a broker does, and remembers the request it saw.
struct FullBroker final : PartialBrokerApi {
  test::Script script;
  Status refusal;
  ion_produce_req produced{};
  ion_fetch_req fetched{};
  ion_topic_req created{};
  bool had_caller = false;
  std::string client_id, address;

  void meet(const ion_caller* who) {
    had_caller = who != nullptr;
    if (had_caller) client_id = text_of(who->client_id), address = text_of(who->address);
  }
  Answer produce(Op& op, const ion_produce_req& r, ion_produce_answer& a) override {
    produced = r;
    meet(r.who);
    if (!refusal.ok()) return explain(a.error, refusal), op.refuse(refusal);
    return script.answer(op, 0, 0, [&a] {
      a.flags = ION_PRODUCE_DUPLICATE, a.base = 5, a.next = 6, a.log_start = 1, a.high_watermark = 6, a.append_time_ms = 77, a.log_id = 9;
      return Bufs();
    });
  }
  Answer fetch(Op& op, const ion_fetch_req& r, ion_fetch_answer& a) override {
    fetched = r;
    return script.answer(op, 0, 0, [&a, this] {
      a.base = 5, a.next = 6, a.log_start = 1, a.high_watermark = 6, a.log_id = 9;
      Bufs bufs;
      bufs.push_back(bytes.lend());
      return bufs;
    });
  }
  Answer topic_create(Op& op, const ion_topic_req& r, ion_admin_answer& a) override {
    created = r;
    a.revision = 12;
    if (r.each != nullptr) return op.refuse(Status(ION_E_INTERNAL, "a callback that the caller did not hand in"));
    return op.ok();
  }
  Answer cluster_info(Op& op, const ion_cluster_req&, ion_cluster_answer& a) override {
    std::memset(a.version, 'v', sizeof a.version);
    a.node = 3, a.topics = 4, a.started_ms = 5;
    return op.ok();
  }
  Status partition_of(const ion_partition_req&, ion_partition_answer& a) override {
    a.partition = 2, a.partitions = 8;
    return {};
  }
  test::CountedBytes bytes{"batch"};
};

constexpr uint8_t kCanary = 0xA5;

// Memory of a struct of which the caller's older header knows only the first `size` bytes: what lies behind is somebody else's.
template <class T>
class Older {
 public:
  explicit Older(size_t size) : size_(size) {
    std::memset(memory_, kCanary, sizeof memory_);
    std::memset(memory_, 0, size);
    get()->size = static_cast<uint32_t>(size);
  }
  T* get() { return reinterpret_cast<T*>(memory_); }
  bool untouched_behind() const {
    for (size_t i = size_; i < sizeof memory_; ++i)
      if (memory_[i] != kCanary) return false;
    return get_size() == size_;
  }

 private:
  size_t get_size() const {
    uint32_t size;
    std::memcpy(&size, memory_, sizeof size);
    return size;
  }
  const size_t size_;
  alignas(T) uint8_t memory_[sizeof(T) + 64];
};

TEST(BrokerApiBridge, a_produce_answer_of_an_older_size_is_not_written_past_its_size) {
  for (const test::Expected& way : test::kWays) {
    SCOPED_TRACE(static_cast<int>(way.how));
    FullBroker broker;
    broker.script.how = way.how;
    ion_produce_req r{};
    r.size = sizeof r;
    Older<ion_produce_answer> a(offsetof(ion_produce_answer, append_time_ms));
    Asked asked([&](Op& op) { return op.passed(export_broker_api.produce(static_cast<BrokerApi*>(&broker), &r, a.get(), &op.raw(), &op.now())); });
    broker.script.finish();
    EXPECT_EQ(asked.code(), way.code);
    EXPECT_NE(asked.message().find(way.words), std::string::npos) << asked.message();
    EXPECT_TRUE(a.untouched_behind());
    if (way.code == ION_OK) {
      EXPECT_EQ(a.get()->base, 5);
      EXPECT_EQ(a.get()->high_watermark, 6);
      EXPECT_EQ(a.get()->flags, ION_PRODUCE_DUPLICATE);
    }
  }
}

TEST(BrokerApiBridge, a_request_of_an_older_size_is_read_only_up_to_its_size) {
  FullBroker broker;
  Older<ion_topic_req> r(offsetof(ion_topic_req, each));
  r.get()->name = bytes_of("orders"), r.get()->partitions = 3;
  ion_admin_answer a{};
  a.size = sizeof a;
  Asked asked([&](Op& op) { return op.passed(export_broker_api.topic_create(static_cast<BrokerApi*>(&broker), r.get(), &a, &op.raw(), &op.now())); });
  EXPECT_EQ(asked.code(), ION_OK) << asked.message();
  EXPECT_EQ(text_of(broker.created.name), "orders");
  EXPECT_EQ(broker.created.partitions, 3u);
  EXPECT_EQ(broker.created.ctx, nullptr);
  EXPECT_EQ(a.revision, 12u);
}

TEST(BrokerApiBridge, a_caller_and_an_error_info_of_older_sizes_are_kept_within_their_sizes) {
  FullBroker broker;
  broker.refusal = {ION_E_INVALID, std::string(400, 'd'), "RECORD_TOO_LARGE"};
  Older<ion_caller> who(offsetof(ion_caller, address));
  who.get()->client_id = bytes_of("an-old-plugin");
  Older<ion_error_info> error(offsetof(ion_error_info, detail) + 16);
  ion_produce_req r{};
  r.size = sizeof r, r.who = who.get();
  ion_produce_answer a{};
  a.size = sizeof a, a.error = error.get();
  Asked asked([&](Op& op) { return op.passed(export_broker_api.produce(static_cast<BrokerApi*>(&broker), &r, &a, &op.raw(), &op.now())); });
  EXPECT_EQ(asked.code(), ION_E_INVALID);
  EXPECT_TRUE(broker.had_caller);
  EXPECT_EQ(broker.client_id, "an-old-plugin");
  EXPECT_EQ(broker.address, "");
  EXPECT_TRUE(error.untouched_behind());
  EXPECT_STREQ(error.get()->reason, "RECORD_TOO_LARGE");
  EXPECT_EQ(a.error, error.get()) << "the caller's pointer is the caller's";
}

TEST(BrokerApiBridge, buffers_of_a_fetch_with_an_older_answer_reach_the_caller_once) {
  for (const test::How how : {test::How::kInline, test::How::kLate}) {
    FullBroker broker;
    broker.script.how = how;
    Older<ion_fetch_req> r(offsetof(ion_fetch_req, bytes_max));
    r.get()->offset = 5;
    Older<ion_fetch_answer> a(offsetof(ion_fetch_answer, log_start));
    Asked asked([&](Op& op) { return op.passed(export_broker_api.fetch(static_cast<BrokerApi*>(&broker), r.get(), a.get(), &op.raw(), &op.now())); });
    broker.script.finish();
    EXPECT_EQ(asked.code(), ION_OK);
    EXPECT_EQ(broker.fetched.bytes_max, 0u);
    EXPECT_EQ(broker.fetched.offset, 5);
    EXPECT_EQ(a.get()->next, 6);
    EXPECT_TRUE(a.untouched_behind());
    ASSERT_EQ(asked.outcome().bufs.size(), 1u);
    EXPECT_EQ(broker.bytes.references(), 1);
    asked.forget();
    EXPECT_EQ(broker.bytes.references(), 0);
  }
}

TEST(BrokerApiBridge, a_cluster_answer_and_a_lookup_answer_of_older_sizes_are_not_overrun) {
  FullBroker broker;
  ion_cluster_req r{};
  r.size = sizeof r;
  Older<ion_cluster_answer> cluster(offsetof(ion_cluster_answer, version));
  Asked asked([&](Op& op) { return op.passed(export_broker_api.cluster_info(static_cast<BrokerApi*>(&broker), &r, cluster.get(), &op.raw(), &op.now())); });
  EXPECT_EQ(asked.code(), ION_OK);
  EXPECT_TRUE(cluster.untouched_behind());
  EXPECT_EQ(cluster.get()->node, 3u);

  ion_partition_req key{};
  key.size = sizeof key;
  Older<ion_partition_answer> chosen(offsetof(ion_partition_answer, partitions));
  EXPECT_EQ(export_broker_api.partition_of(static_cast<BrokerApi*>(&broker), &key, chosen.get()), ION_OK);
  EXPECT_TRUE(chosen.untouched_behind());
  EXPECT_EQ(chosen.get()->partition, 2);
}

TEST(BrokerApiBridge, structs_of_todays_size_are_the_ones_that_the_broker_sees) {
  FullBroker broker;
  ImportedBrokerApi api({&export_broker_api, static_cast<BrokerApi*>(&broker)});
  ion_produce_req r{};
  r.size = sizeof r, r.partition = 4;
  ion_produce_answer a{};
  a.size = sizeof a;
  Asked asked([&](Op& op) { return api.produce(op, r, a); });
  EXPECT_EQ(asked.code(), ION_OK);
  EXPECT_EQ(broker.produced.partition, 4);
  EXPECT_EQ(a.log_id, 9u);
  EXPECT_EQ(api.health(), ION_HEALTH_SERVING);
  EXPECT_EQ(api.cancel(1).code(), ION_E_NOT_FOUND);
}

TEST(BrokerApiBridge, a_shorter_table_answers_unsupported_and_names_the_verb) {
  FullBroker broker;
  ion_broker_api table = export_broker_api;
  table.size = offsetof(ion_broker_api, cluster_info);
  ImportedBrokerApi api({&table, static_cast<BrokerApi*>(&broker)});
  ion_cluster_req r{};
  ion_cluster_answer a{};
  r.size = sizeof r, a.size = sizeof a;
  Asked asked([&](Op& op) { return api.cluster_info(op, r, a); });
  EXPECT_EQ(asked.code(), ION_E_UNSUPPORTED);
  EXPECT_EQ(asked.message(), "ion.broker_api/1 has no member cluster_info here");
}

TEST(BrokerApiBridge, a_broker_without_a_verb_says_which) {
  PartialBrokerApi none;
  ion_topic_req r{};
  ion_admin_answer a{};
  Asked asked([&](Op& op) { return none.topic_list(op, r, a); });
  EXPECT_EQ(asked.code(), ION_E_UNSUPPORTED);
  EXPECT_EQ(asked.message(), "this broker does not offer topic_list");
}

// The authorisation matrix, written down once more by hand: a verb that needs less than before is seen here.
TEST(BrokerVerbs, each_verb_needs_this_access) {
  struct Want {
    std::string_view name;
    ion_access access;
    ion_resource resource;
  };
  constexpr Want kWant[] = {
      {"produce", ION_ACCESS_WRITE, ION_RESOURCE_TOPIC},           {"fetch", ION_ACCESS_READ, ION_RESOURCE_TOPIC},
      {"offset_for", ION_ACCESS_DESCRIBE, ION_RESOURCE_TOPIC},     {"init_producer", ION_ACCESS_WRITE, ION_RESOURCE_CLUSTER},
      {"metadata", ION_ACCESS_DESCRIBE, ION_RESOURCE_TOPIC},       {"topic_create", ION_ACCESS_CREATE, ION_RESOURCE_TOPIC},
      {"topic_list", ION_ACCESS_DESCRIBE, ION_RESOURCE_TOPIC},     {"topic_describe", ION_ACCESS_DESCRIBE, ION_RESOURCE_TOPIC},
      {"topic_delete", ION_ACCESS_DELETE, ION_RESOURCE_TOPIC},     {"plugin_list", ION_ACCESS_DESCRIBE, ION_RESOURCE_CLUSTER},
      {"cluster_info", ION_ACCESS_DESCRIBE, ION_RESOURCE_CLUSTER}, {"get_record", ION_ACCESS_READ, ION_RESOURCE_TOPIC},
      {"topic_alter", ION_ACCESS_ALTER, ION_RESOURCE_TOPIC},       {"topic_trim", ION_ACCESS_DELETE, ION_RESOURCE_TOPIC},
      {"plugin_replace", ION_ACCESS_ALTER, ION_RESOURCE_CLUSTER},  {"topic_repair", ION_ACCESS_DELETE, ION_RESOURCE_TOPIC},
      {"partition_of", ION_ACCESS_DESCRIBE, ION_RESOURCE_TOPIC},
  };
  ASSERT_EQ(kVerbRows.size(), std::size(kWant));
  for (size_t i = 0; i < std::size(kWant); ++i) {
    SCOPED_TRACE(std::string(kWant[i].name));
    EXPECT_EQ(kVerbRows[i].name, kWant[i].name);
    EXPECT_EQ(static_cast<size_t>(kVerbRows[i].verb), i);
    EXPECT_EQ(kVerbRows[i].access, kWant[i].access);
    EXPECT_EQ(kVerbRows[i].resource, kWant[i].resource);
  }
}

TEST(BrokerVerbs, only_verbs_that_change_nothing_twice_are_safe_to_repeat) {
  for (const VerbRow& row : kVerbRows) {
    const bool acts = row.verb == Verb::produce || row.access == ION_ACCESS_CREATE || row.access == ION_ACCESS_DELETE || row.access == ION_ACCESS_ALTER;
    EXPECT_EQ(row.repeat_safe, !acts) << row.name;
    if (row.always_open) {
      EXPECT_EQ(row.access, ION_ACCESS_DESCRIBE) << row.name << " is answered by a broker that does not serve";
    }
  }
}

}  // namespace
}  // namespace ion
