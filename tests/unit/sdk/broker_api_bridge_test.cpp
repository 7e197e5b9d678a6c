// ion.broker_api/1 across its C table: every verb of the rows arrives, and structs of an older size are read and written no further than they are.
#include "asked.h"

#include <ion/bridge/broker_api_bridge.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <vector>

namespace ion {
namespace {

// Answers every verb with its number, at once or when told; fills whole answers with ones.
class Numbered final : public EachVerb<Numbered> {
 public:
  template <ion_verb kVerb, class Req, class Ans>
  Answer verb(Op& op, const Req& r, Ans& a, Answer (BrokerApi::*)(Op&, const Req&, Ans&)) {
    seen.push_back(kVerb);
    seen_request.assign(reinterpret_cast<const uint8_t*>(&r), reinterpret_cast<const uint8_t*>(&r) + sizeof r);
    const auto fill = [&a] {
      const uint32_t size = a.size;
      std::memset(static_cast<void*>(&a), 0x11, sizeof a);
      a.size = size;
    };
    if (throws) throw std::runtime_error("no more");
    if (refuses) return fill(), op.refuse({ION_E_NOT_FOUND, "nothing there"});
    if (!later) return fill(), op.ok(kVerb);
    finish = [fill, parked = std::make_shared<Later>(op.later())] { fill(), parked->ok(kVerb); };
    return op.pending();
  }
  Status cancel(uint64_t id) override { return id == 7 ? Status() : Status(ION_E_NOT_FOUND, "over"); }
  Status partition_of(const ion_partition_req&, ion_partition_answer& a) override {
    const uint32_t size = a.size;
    std::memset(static_cast<void*>(&a), 0x11, sizeof a);
    a.size = size;
    return {};
  }
  ion_health health() override { return ION_HEALTH_DRAINING; }

  std::vector<ion_verb> seen;
  std::vector<uint8_t> seen_request;
  std::function<void()> finish;
  bool later = false, refuses = false, throws = false;
};

// A struct as somebody older knows it: so many bytes of it, and behind them bytes that belong to somebody else.
template <class T>
class Older {
 public:
  explicit Older(size_t size) : size_(size) {
    std::memset(bytes_.data(), 0x5a, bytes_.size());
    std::memset(bytes_.data(), 0, size);
    const auto told = static_cast<uint32_t>(size);
    std::memcpy(bytes_.data(), &told, sizeof told);
  }
  T* get() { return reinterpret_cast<T*>(bytes_.data()); }
  bool untouched_behind() const {
    return std::all_of(bytes_.begin() + static_cast<std::ptrdiff_t>(size_), bytes_.end(), [](uint8_t b) { return b == 0x5a; });
  }
  bool written_before() const {
    return std::all_of(bytes_.begin() + sizeof(uint32_t), bytes_.begin() + static_cast<std::ptrdiff_t>(size_), [](uint8_t b) { return b == 0x11; });
  }
  uint32_t size_member() const {
    uint32_t size = 0;
    std::memcpy(&size, bytes_.data(), sizeof size);
    return size;
  }

 private:
  size_t size_;
  alignas(T) std::array<uint8_t, sizeof(T) + 64> bytes_{};
};

// An op by hand, so that requests and answers of any size can be given.
struct RawCall {
  static void done(void* ctx, const ion_result* r) noexcept {
    auto* self = static_cast<RawCall*>(ctx);
    ++self->answers, self->status = r->status, self->u0 = r->u0;
  }
  template <class Function, class Req, class Ans>
  ion_status ask(Function function, BrokerApi& api, const Req* r, Ans* a) {
    const ion_op op{sizeof(ion_op), 0, 0, 0, &RawCall::done, this, 0, 0, 0};
    ion_result now{sizeof(ion_result), ION_OK, 0, 0, 0, 0, nullptr, &err};
    const ion_status code = function(static_cast<BrokerApi*>(&api), r, a, &op, &now);
    if (code != ION_PENDING) status = code, u0 = now.u0;
    return code;
  }
  ion_err err{sizeof(ion_err), ION_OK, {}};
  int answers = 0;
  ion_status status = ION_OK;
  uint64_t u0 = 0;
};

TEST(BrokerApiBridge, carries_every_verb_of_the_rows_there_and_back) {
  Numbered broker;
  ImportedBrokerApi there(ion_ref{&export_broker_api, static_cast<BrokerApi*>(&broker)});
#define ION_ASK_ONCE(name, Req, Ans, access, repeat, gate)                                \
  {                                                                                       \
    Req request{};                                                                        \
    Ans answer{};                                                                         \
    request.size = sizeof request, answer.size = sizeof answer;                           \
    test::Asked asked([&](Op& op) { return there.name(op, request, answer); });           \
    EXPECT_EQ(asked.code(), ION_OK) << #name;                                             \
    EXPECT_EQ(asked.outcome().u0, static_cast<uint64_t>(ION_VERB_##name)) << #name;       \
  }
  ION_BROKER_VERBS(ION_ASK_ONCE)
#undef ION_ASK_ONCE
  ASSERT_EQ(broker.seen.size(), static_cast<size_t>(ION_VERB_COUNT));
  EXPECT_TRUE(there.cancel(7).ok());
  EXPECT_EQ(there.cancel(8).code(), ION_E_NOT_FOUND);
  EXPECT_EQ(there.health(), ION_HEALTH_DRAINING);
}

TEST(BrokerApiBridge, every_row_says_who_may_ask_and_what_a_repeat_means) {
  for (const VerbRow& row : kVerbRows) {
    EXPECT_GE(row.access, ION_ACCESS_WRITE) << row.name;
    EXPECT_LE(row.access, ION_ACCESS_CONNECT) << row.name;
    const bool changes = row.access == ION_ACCESS_WRITE || row.access == ION_ACCESS_CREATE || row.access == ION_ACCESS_DELETE;
    EXPECT_EQ(row.repeat == ION_REPEAT_SAFE, !changes) << row.name << ": what changes something is not safe to repeat unseen";
  }
}

template <class Req, class Ans, class Function>
void with_every_older_size(Function function, const char* name) {
  for (const bool later : {false, true}) {
    for (size_t request_size = sizeof(uint32_t); request_size <= sizeof(Req); request_size += 4) {
      for (size_t answer_size = sizeof(uint32_t); answer_size <= sizeof(Ans); answer_size += 4) {
        SCOPED_TRACE(std::string(name) + (later ? " later" : " at once") + ", request " + std::to_string(request_size) + ", answer " + std::to_string(answer_size));
        Numbered broker;
        broker.later = later;
        Older<Req> request(request_size);
        Older<Ans> answer(answer_size);
        RawCall asked;
        const ion_status code = asked.ask(function, broker, request.get(), answer.get());
        if (later) {
          ASSERT_EQ(code, ION_PENDING);
          broker.finish();
          ASSERT_EQ(asked.answers, 1);
        }
        ASSERT_EQ(asked.status, ION_OK);
        ASSERT_TRUE(answer.untouched_behind()) << "an older answer was overrun";
        ASSERT_TRUE(answer.written_before());
        ASSERT_EQ(answer.size_member(), answer_size);
        for (size_t i = request_size; i < sizeof(Req); ++i) ASSERT_EQ(broker.seen_request[i], 0) << "byte " << i << " of a request that ends before it";
      }
    }
  }
}

TEST(BrokerApiBridge, structs_of_an_older_size_are_read_and_written_no_further) {
#define ION_OLDER(name, Req, Ans, access, repeat, gate) with_every_older_size<Req, Ans>(export_broker_api.name, #name);
  ION_BROKER_VERBS(ION_OLDER)
#undef ION_OLDER
  Numbered broker;
  for (size_t size = sizeof(uint32_t); size <= sizeof(ion_partition_answer); size += 4) {
    Older<ion_partition_req> request(sizeof(uint32_t) * 2);
    Older<ion_partition_answer> answer(size);
    EXPECT_EQ(export_broker_api.partition_of(static_cast<BrokerApi*>(&broker), request.get(), answer.get()), ION_OK);
    EXPECT_TRUE(answer.untouched_behind() && answer.written_before()) << size;
  }
}

TEST(BrokerApiBridge, refusals_and_exceptions_reach_an_older_caller_too) {
  for (const bool throws : {false, true}) {
    Numbered broker;
    broker.refuses = true, broker.throws = throws;
    Older<ion_fetch_req> request(24);
    Older<ion_fetch_answer> answer(16);
    RawCall asked;
    EXPECT_EQ(asked.ask(export_broker_api.fetch, broker, request.get(), answer.get()), throws ? ION_E_EXCEPTION : ION_E_NOT_FOUND);
    EXPECT_STREQ(asked.err.msg, throws ? "no more" : "nothing there");
    EXPECT_TRUE(answer.untouched_behind());
    EXPECT_EQ(asked.answers, 0);
  }
}

TEST(BrokerApiBridge, an_error_of_an_older_size_gets_the_members_it_has) {
  Older<ion_error_info> whole(sizeof(ion_error_info)), old(offsetof(ion_error_info, leader_hint));
  explain(old.get(), Status(ION_E_NOT_FOUND, "a long text of what was wanted and what was there", "TOPIC_NOT_FOUND"), milliseconds(3));
  EXPECT_TRUE(old.untouched_behind());
  EXPECT_STREQ(old.get()->reason, "TOPIC_NOT_FOUND");
  explain(whole.get(), Status(ION_E_NOT_FOUND, "detail"));
  EXPECT_STREQ(whole.get()->detail, "detail");
}

TEST(BrokerApiBridge, a_table_that_ends_earlier_has_no_later_verbs) {
  Numbered broker;
  ion_broker_api old = export_broker_api;
  old.size = offsetof(ion_broker_api, cluster_info);
  ImportedBrokerApi there(ion_ref{&old, static_cast<BrokerApi*>(&broker)});
  ion_cluster_req request{};
  ion_cluster_answer answer{};
  request.size = sizeof request, answer.size = sizeof answer;
  test::Asked asked([&](Op& op) { return there.cluster_info(op, request, answer); });
  EXPECT_EQ(asked.code(), ION_E_UNSUPPORTED);
  EXPECT_NE(asked.message().find("cluster_info"), std::string::npos) << asked.message();
  EXPECT_TRUE(broker.seen.empty());
}

}  // namespace
}  // namespace ion
