#include "pipeline/fetch_filter.h"

#include "support/batch_builder.h"
#include "support/fake_clock.h"
#include "support/fake_executor.h"

#include <codecs/batches.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace ion::pipeline {
namespace {

class NoTimers final : public Timers {
 public:
  Result<TimerHandle> arm(ShardId, Instant, ion_fn, void*) override { return Status(ION_E_OVERLOADED, "no timers here"); }
  bool disarm(TimerHandle) override { return false; }
};
class NoLines final : public Logger {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

struct Scripted {
  std::function<int32_t(ion_msg*, const ion_msg_api*)> rule;
  ion_interceptor table{sizeof(ion_interceptor), ION_HOOK_FETCH, ION_NEED_RECORDS, ION_INTERCEPTOR_REENTRANT,
                        [](void* self, uint32_t, ion_msg* m, const ion_msg_api* api) noexcept { return static_cast<Scripted*>(self)->rule(m, api); }};
};

class FetchFilterTest : public ::testing::Test {
 protected:
  // Three batches of two records each in one buffer, as a log answers them, from offset 10 on.
  FetchFilterTest() {
    std::vector<uint8_t> all;
    for (int64_t base : {10, 12, 14}) {
      const auto bytes = test::make_batch({base}, {"a" + std::to_string(base), "b" + std::to_string(base)}).bytes;
      ends_.push_back(all.size() + bytes.size());
      all.insert(all.end(), bytes.begin(), bytes.end());
    }
    stored_ = Buf::copy(all);
  }
  void filter(std::function<int32_t(ion_msg*, const ion_msg_api*)> rule, std::vector<Buf> bufs) {
    script_.rule = std::move(rule);
    InterceptorPolicy policy;
    policy.name = "rule";
    policy.ref = {&script_.table, &script_};
    ASSERT_TRUE(chain_.add(std::move(policy)).ok());
    std::vector<ion_buf> raw;
    for (Buf& b : bufs) raw.push_back(b.release());
    ion_result fetched{sizeof(ion_result), ION_OK, 10, 16, static_cast<uint32_t>(raw.size()), static_cast<uint32_t>(raw.size()), raw.data(), nullptr};
    call([&](Op& op) { return filter_fetched({chain_, codecs_, admission_, opening_}, {}, fetched, op.later()), op.pending(); }, [this](const ion_result& r) { answered_ = true, out_ = Outcome::from(r); });
  }
  std::vector<Buf> whole() {
    std::vector<Buf> one;
    one.push_back(stored_.clone());
    return one;
  }
  std::string joined() {
    std::string text;
    for (const Buf& b : out_.bufs) text += b.text();
    return text;
  }
  std::vector<std::string> values() {
    std::vector<std::string> got;
    const std::string text = joined();
    for (std::string_view rest = text; !rest.empty();) {
      auto reader = batch::RecordReader::open(span_of(rest));
      while (const auto r = *reader->next()) got.push_back(std::to_string(r->offset.v) + std::string(text_of(*r->value)));
      rest.remove_prefix(reader->header().total_bytes());
    }
    return got;
  }

  test::FakeClock clock_;
  NoTimers timers_;
  NoLines logger_;
  BatchCodecs codecs_{1 << 20};
  Admission admission_{1 << 20};
  test::FakeExecutor pool_;
  LimitedJobs opening_{pool_, {1, 1}};
  observe::Health health_;
  InterceptorChain chain_{ChainServices{clock_, timers_, logger_, ShardId{0}, [] { return Nanos{}; }, health_}};
  Scripted script_;
  Buf stored_;
  std::vector<size_t> ends_;
  Outcome out_;
  bool answered_ = false;
};

TEST_F(FetchFilterTest, what_comes_before_a_rejected_batch_is_given_and_the_rejection_names_offsets) {
  const auto rejects_the_second = [](ion_msg* m, const ion_msg_api* api) {
    ion_record r{};
    r.size = sizeof r;
    if (api->record(m, 0, &r) != ION_OK || text_of(r.value) != "a12") return ION_V_CONTINUE;
    return api->reason(m, ION_E_FORBIDDEN, bytes_of("not yours")), ION_V_REJECT;
  };
  filter(rejects_the_second, whole());
  ASSERT_TRUE(out_.status.ok()) << out_.status.message();
  EXPECT_EQ(values(), (std::vector<std::string>{"10a10", "11b10"}));
  EXPECT_EQ(out_.u1, 12u) << "reading goes on at the rejected one";
}

TEST_F(FetchFilterTest, what_nobody_edits_goes_out_as_it_lies_in_the_log) {
  filter([](ion_msg*, const ion_msg_api*) { return ION_V_CONTINUE; }, whole());
  ASSERT_EQ(out_.bufs.size(), 1u) << "neighbours leave as one";
  EXPECT_EQ(out_.bufs[0].data(), stored_.data()) << "uncopied";
  EXPECT_EQ(out_.bufs[0].size(), stored_.size());
  EXPECT_EQ(out_.u0, 10u);
  EXPECT_EQ(out_.u1, 16u);
}

TEST_F(FetchFilterTest, a_batch_that_lost_records_keeps_its_offsets_and_its_neighbours_their_bytes) {
  filter([](ion_msg* m, const ion_msg_api* api) {
    ion_record r{};
    r.size = sizeof r;
    for (uint32_t i = 0; i < api->count(m); ++i)
      if (api->record(m, i, &r) == ION_OK && text_of(r.value) == "a12") (void)api->edit(m, i, nullptr);
    return ION_V_CONTINUE;
  }, whole());
  EXPECT_EQ(values(), (std::vector<std::string>{"10a10", "11b10", "13b12", "14a14", "15b14"}));
  EXPECT_EQ(out_.bufs[0].data(), stored_.data());
}

TEST_F(FetchFilterTest, a_dropped_batch_is_a_header_so_that_the_reader_goes_on_behind_it) {
  filter([](ion_msg*, const ion_msg_api*) { return ION_V_DROP; }, whole());
  EXPECT_TRUE(values().empty());
  EXPECT_EQ(joined().size(), 3 * batch::kHeaderBytes);
  EXPECT_EQ(batch::read_header(span_of(std::string_view(joined())).data() + 2 * batch::kHeaderBytes).next_offset().v, 16);
}

TEST_F(FetchFilterTest, batches_that_lie_across_buffers_are_seen_whole) {
  std::vector<Buf> cut;
  for (size_t at = 0; at < stored_.size(); at += 50) cut.push_back(stored_.slice(at, std::min<size_t>(50, stored_.size() - at)));
  int seen = 0;
  filter([&](ion_msg* m, const ion_msg_api* api) { return seen += static_cast<int>(api->count(m)), ION_V_CONTINUE; }, std::move(cut));
  EXPECT_EQ(seen, 6);
  EXPECT_EQ(joined(), stored_.text());
}

TEST_F(FetchFilterTest, a_rejection_is_the_readers_error) {
  filter([](ion_msg* m, const ion_msg_api* api) { return api->reason(m, ION_E_FORBIDDEN, bytes_of("not yours")), ION_V_REJECT; }, whole());
  EXPECT_EQ(out_.status.code(), ION_E_FORBIDDEN);
  EXPECT_TRUE(out_.bufs.empty());
}

TEST_F(FetchFilterTest, bytes_that_are_no_whole_batches_are_corrupt_and_not_let_through) {
  std::vector<Buf> torn;
  torn.push_back(stored_.slice(0, ends_[1] - 1));
  filter([](ion_msg*, const ion_msg_api*) { return ION_V_CONTINUE; }, std::move(torn));
  EXPECT_EQ(out_.status.code(), ION_E_CORRUPT);
}

// Three batches as above; the one in the middle is compressed.
class CompressedFetchFilterTest : public FetchFilterTest {
 protected:
  CompressedFetchFilterTest() {
    codecs::Compressor compressor;
    const auto plain = test::make_batch({12}, {"a12" + std::string(500, ' '), "b12"}).bytes;
    const Buf packed = *codecs::compress_batch(compressor, codecs::Codec::kLz4, codecs::kDefaultLevel, plain);
    EXPECT_FALSE(packed.empty());
    bufs_.push_back(stored_.slice(0, ends_[0]));
    bufs_.push_back(packed.clone());
    bufs_.push_back(stored_.slice(ends_[1], ends_[2] - ends_[1]));
  }
  ~CompressedFetchFilterTest() override { pool_.run_all(); }
  std::vector<Buf> bufs_;
};

TEST_F(CompressedFetchFilterTest, a_batch_is_opened_on_the_pool_and_not_by_whoever_completed_the_read) {
  std::vector<std::string> seen;
  filter([&](ion_msg* m, const ion_msg_api* api) {
    ion_record r{};
    r.size = sizeof r;
    EXPECT_EQ(api->record(m, 0, &r), ION_OK);
    return seen.emplace_back(text_of(r.value).substr(0, 3)), ION_V_CONTINUE;
  }, std::move(bufs_));
  EXPECT_EQ(seen, std::vector<std::string>{"a10"}) << "what is not compressed is asked about at once";
  EXPECT_FALSE(answered_);
  pool_.run_all();
  EXPECT_TRUE(answered_);
  EXPECT_TRUE(out_.status.ok()) << out_.status.text();
  EXPECT_EQ(seen, (std::vector<std::string>{"a10", "a12", "a14"})) << "in their order";
  EXPECT_EQ(out_.bufs.size(), 3u);
}

TEST_F(CompressedFetchFilterTest, nothing_is_opened_for_who_needs_no_records) {
  script_.table.needs = 0;
  filter([](ion_msg*, const ion_msg_api*) { return ION_V_CONTINUE; }, std::move(bufs_));
  EXPECT_TRUE(answered_);
  EXPECT_EQ(pool_.waiting(), 0u);
}

TEST_F(CompressedFetchFilterTest, a_full_pool_is_an_overload_of_that_read) {
  pool_.set_limit(0);
  filter([](ion_msg*, const ion_msg_api*) { return ION_V_CONTINUE; }, std::move(bufs_));
  EXPECT_TRUE(answered_);
  EXPECT_EQ(out_.status.code(), ION_E_OVERLOADED);
}

}  // namespace
}  // namespace ion::pipeline
