#include "unit/sdk/fake_storage.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace ion {
namespace {

using test::Asked;
using test::How;
using test::StorageThereAndBack;
using Lines = std::vector<std::string>;

const std::array<uint8_t, 4> kBytes{1, 2, 3, 4};
const ion_buf kParts[] = {borrowed(kBytes), borrowed(kBytes)};
const ion_batch kBatches[] = {{4, 6, 100, 1, 2, kParts}, {6, 9, 100, 1, 1, kParts}};
const ion_field kItems[] = {{bytes_of("term"), bytes_of("7")}, {bytes_of("vote"), bytes_of("2")}};

// Every op of the contract, as the kernel asks it, with the answer of the fake.
struct Case {
  const char* member;
  std::function<Answer(StorageThereAndBack&, Op&)> ask;
  const char* seen;
  uint64_t u0 = 0, u1 = 0;
  size_t bufs = 0;
};
const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"append", [](auto& t, Op& op) { return t.log->append(op, kBatches); }, "append 6 9 1 4", 9},
      {"read", [](auto& t, Op& op) { return t.log->read(op, {3}, {9}, 1024); }, "read 3 9 1024", 3, 9, 2},
      {"sync", [](auto& t, Op& op) { return t.log->sync(op, {9}); }, "sync 9", 12},
      {"truncate_suffix", [](auto& t, Op& op) { return t.log->truncate_suffix(op, {8}); }, "truncate_suffix 8"},
      {"truncate_prefix", [](auto& t, Op& op) { return t.log->truncate_prefix(op, {2}); }, "truncate_prefix 2"},
      {"offset_for_time", [](auto& t, Op& op) { return t.log->offset_for_time(op, {6}, {77}); }, "time 6 77", 5, 1000},
      {"meta_put", [](auto& t, Op& op) { return t.log->meta_put(op, kItems); }, "meta_put vote 2"},
      {"meta_get", [](auto& t, Op& op) { return t.log->meta_get(op, "term"); }, "meta_get term", 0, 0, 1},
      {"seal", [](auto& t, Op& op) { return t.log->seal(op); }, "seal"},
      {"remove", [](auto& t, Op& op) { return t.storage.remove(op, "p/y/1"); }, "remove p/y/1"},
      {"space", [](auto& t, Op& op) { return t.storage.space(op); }, "space"},
      {"list", [](auto& t, Op& op) { return t.storage.list(op, "p/", [](std::string_view, uint64_t) {}); }, "list p/", 2},
  };
  return all;
}

TEST(StorageBridge, every_op_ends_once_in_each_way_an_op_can_end) {
  for (const Case& each : cases())
    for (const test::Expected& way : test::kWays) {
      SCOPED_TRACE(std::string(each.member) + " way " + std::to_string(static_cast<int>(way.how)));
      StorageThereAndBack there;
      there.plugin.notes.script.how = way.how;
      Asked asked([&](Op& op) { return each.ask(there, op); });
      EXPECT_EQ(asked.answers(), way.late ? 0 : 1);
      there.plugin.notes.script.finish();
      EXPECT_EQ(asked.code(), way.code);
      EXPECT_NE(asked.message().find(way.words), std::string::npos) << asked.message();
      EXPECT_EQ(there.plugin.notes.asked.back(), each.seen);
      if (way.code == ION_OK) {
        EXPECT_EQ(asked.outcome().u0, each.u0);
        EXPECT_EQ(asked.outcome().u1, each.u1);
        EXPECT_EQ(asked.outcome().bufs.size(), each.bufs);
      }
      for (const Buf& buf : asked.outcome().bufs) EXPECT_EQ(buf.text(), "a batch");
      asked.forget();
      EXPECT_EQ(there.plugin.notes.bytes.references(), 0);
    }
}

TEST(StorageBridge, a_log_is_there_exactly_when_open_succeeded) {
  for (const test::Expected& way : test::kWays) {
    SCOPED_TRACE(static_cast<int>(way.how));
    StorageThereAndBack there;
    (void)there.closed();
    there.log.reset();
    there.plugin.notes.script.how = way.how;
    const Asked asked = there.opened();
    EXPECT_EQ(there.log != nullptr, !way.late && way.code == ION_OK);
    there.plugin.notes.script.finish();
    EXPECT_EQ(asked.code(), way.code);
    EXPECT_NE(asked.message().find(way.words), std::string::npos) << asked.message();
    EXPECT_EQ(there.log != nullptr, way.code == ION_OK);
    EXPECT_EQ(there.plugin.notes.logs_alive, way.code == ION_OK ? 1 : 0);
  }
}

TEST(StorageBridge, a_log_dies_exactly_when_its_close_succeeded_and_before_the_caller_hears_of_it) {
  for (const test::Expected& way : test::kWays) {
    SCOPED_TRACE(static_cast<int>(way.how));
    StorageThereAndBack there;
    there.plugin.notes.script.how = way.how;
    int alive_when_heard = -1;
    call([&](Op& op) { return there.log->close(op); }, [&](const ion_result&) { alive_when_heard = there.plugin.notes.logs_alive; });
    EXPECT_EQ(alive_when_heard == -1, way.late);
    there.plugin.notes.script.finish();
    EXPECT_EQ(alive_when_heard, way.code == ION_OK ? 0 : 1);
  }
}

// The kernel may destroy its ImportedLog as soon as it hears that the log is closed.
TEST(StorageBridge, the_imported_log_may_be_destroyed_inside_the_completion_of_its_close) {
  for (const How how : {How::kInline, How::kBeforeReturn, How::kLate}) {
    StorageThereAndBack there;
    there.plugin.notes.script.how = how;
    call([&](Op& op) { return there.log->close(op); }, [&](const ion_result&) { there.log.reset(); });
    there.plugin.notes.script.finish();
    EXPECT_EQ(there.log, nullptr);
  }
}

TEST(StorageBridge, a_close_that_failed_may_be_tried_again) {
  StorageThereAndBack there;
  there.plugin.notes.script.how = How::kRefuse;
  EXPECT_EQ(there.closed().code(), ION_E_OVERLOADED);
  there.plugin.notes.script.how = How::kInline;
  EXPECT_EQ(there.closed().code(), ION_OK);
  EXPECT_EQ(there.plugin.notes.logs_alive, 0);
}

// The completion races with the return of close(): whoever is second frees the log. Run under tsan too.
TEST(StorageBridge, a_close_that_another_thread_completes_frees_the_log_once) {
  for (int i = 0; i < 200; ++i) {
    StorageThereAndBack there;
    there.plugin.notes.script.how = How::kLate;
    std::atomic<bool> parked{false};
    std::thread other;
    std::atomic<int> answers{0};
    // The fake parks its completion before it returns; the other thread takes it from there.
    struct Racer final : Log {
      Racer(Log& to, std::thread& on, test::Script& script) : to_(to), on_(on), script_(script) {}
      Answer close(Op& op) override {
        const Answer answer = to_.close(op);
        on_ = std::thread([parked = std::exchange(script_.parked, {})] { parked.front()(); });
        return answer;
      }
      Answer append(Op& op, std::span<const ion_batch>) override { return op.ok(); }
      Answer read(Op& op, Offset, Offset, uint64_t) override { return op.ok(); }
      Answer sync(Op& op, Offset) override { return op.ok(); }
      Answer truncate_suffix(Op& op, Offset) override { return op.ok(); }
      Answer truncate_prefix(Op& op, Offset) override { return op.ok(); }
      Answer offset_for_time(Op& op, Offset, WallMs) override { return op.ok(); }
      LogStat stat() override { return {}; }
      Answer meta_put(Op& op, std::span<const ion_field>) override { return op.ok(); }
      Answer meta_get(Op& op, std::string_view) override { return op.ok(); }
      Result<std::vector<ion_range>> ranges(Offset, size_t) override { return std::vector<ion_range>(); }
      Status configure(const OpenOptions&) override { return {}; }
      Answer seal(Op& op) override { return op.ok(); }
      Log& to_;
      std::thread& on_;
      test::Script& script_;
    };
    auto* racer = new Racer(*there.log, other, there.plugin.notes.script);  // the bridge frees it
    ImportedLog log(ion_ref{&there.table, &there.plugin}, reinterpret_cast<ion_log*>(static_cast<Log*>(racer)));
    call([&](Op& op) { return log.close(op); }, [&](const ion_result& r) { answers += r.status == ION_OK ? 1 : 100; });
    other.join();
    EXPECT_EQ(answers.load(), 1);
    EXPECT_EQ(there.plugin.notes.logs_alive, 0);
  }
}

TEST(StorageBridge, options_cross_and_live_until_the_open_completes) {
  StorageThereAndBack there;
  there.plugin.notes.script.how = How::kLate;
  std::unique_ptr<Log> second;
  {
    const OpenOptions options{.exact_mark = true, .compaction = false, .existing = true, .segment_bytes = 4096, .segment_age = seconds(5)};
    Asked asked([&](Op& op) { return there.storage.open(op, "raft/meta", options, &second); });
  }
  there.plugin.notes.script.finish();
  EXPECT_TRUE(there.plugin.notes.options.exact_mark);
  EXPECT_FALSE(there.plugin.notes.options.compaction);
  EXPECT_TRUE(there.plugin.notes.options.existing);
  EXPECT_EQ(there.plugin.notes.options.segment_bytes, 4096u);
  EXPECT_EQ(there.plugin.notes.options.segment_age, seconds(5));
  there.plugin.notes.script.how = How::kInline;
  Asked closing([&](Op& op) { return second->close(op); });
  EXPECT_EQ(closing.code(), ION_OK);
}

struct LookingPlugin final : Storage {
  static constexpr uint32_t kStorageCaps = ION_STORAGE_VOLATILE;
  Instant deadline;
  uint64_t id = 0;
  Storage& storage() { return *this; }
  uint32_t caps() const override { return kStorageCaps; }
  Answer open(Op& op, std::string_view, const OpenOptions&, std::unique_ptr<Log>*) override {
    deadline = op.deadline(), id = op.raw().id;
    return op.refuse(Status(ION_E_BUSY, "only looking"));
  }
  Answer list(Op& op, std::string_view, EachName) override { return op.ok(); }
  Answer remove(Op& op, std::string_view) override { return op.ok(); }
  Result<Uuid> identity() override { return Uuid(); }
};

TEST(StorageBridge, deadline_and_id_reach_the_implementation_of_a_watched_op) {
  LookingPlugin plugin;
  ImportedStorage storage(ion_ref{&export_storage<LookingPlugin>, &plugin});
  std::unique_ptr<Log> log;
  Asked asked([&](Op& op) { return storage.open(op, "x", {}, &log); }, {.deadline = {123}, .id = 9});
  EXPECT_EQ(asked.code(), ION_E_BUSY);
  EXPECT_EQ(plugin.deadline, Instant{123});
  EXPECT_EQ(plugin.id, 9u);
}

TEST(StorageBridge, names_of_a_list_arrive_before_its_completion) {
  StorageThereAndBack there;
  there.plugin.notes.script.how = How::kLate;
  Lines names;
  Asked asked([&](Op& op) {
    return there.storage.list(op, "p/", [&names](std::string_view name, uint64_t n) {
      names.push_back(std::string(name) + ' ' + std::to_string(n));
    });
  });
  there.plugin.notes.script.finish();
  EXPECT_EQ(asked.code(), ION_OK);
  EXPECT_EQ(names, (Lines{"p/one/0 11", "p/two/0 22"}));
}

TEST(StorageBridge, a_receiver_of_names_that_throws_fails_the_list) {
  StorageThereAndBack there;
  Asked asked([&](Op& op) { return there.storage.list(op, "", [](std::string_view, uint64_t) { throw std::bad_alloc(); }); });
  EXPECT_EQ(asked.code(), ION_E_EXCEPTION);
}

TEST(StorageBridge, plain_functions_cross_and_their_exceptions_do_not) {
  StorageThereAndBack there;
  const LogStat stat = there.log->stat();
  EXPECT_TRUE(stat.cut_tail);
  EXPECT_FALSE(stat.damaged || stat.failed);
  EXPECT_EQ(stat.first.v + stat.next.v * 10 + stat.durable.v * 100 + stat.sealed.v * 1000, 4791);
  EXPECT_EQ(stat.bad_from, Offset{-1});
  EXPECT_EQ(stat.bytes, 4096u);
  const auto ranges = there.log->ranges({20}, 3);
  ASSERT_TRUE(ranges.has_value());
  ASSERT_EQ(ranges->size(), 3u);
  EXPECT_EQ((*ranges)[2].base, 40);
  EXPECT_EQ(there.log->ranges({20}, 0)->size(), 0u);
  EXPECT_TRUE(there.log->configure({.exact_mark = false, .segment_bytes = 99}).ok());
  EXPECT_EQ(there.plugin.notes.reconfigured->segment_bytes, 99u);
  EXPECT_EQ(*there.storage.identity(), Uuid::random(1, 2));
  EXPECT_EQ(there.storage.caps(), test::StoragePlugin::kStorageCaps);

  there.plugin.notes.script.how = How::kRefuse;
  EXPECT_EQ(there.log->ranges({20}, 3).error().code(), ION_E_OUT_OF_RANGE);
  EXPECT_EQ(there.log->configure({}).message(), "ion.storage/1 configure answered INVALID");
  EXPECT_EQ(there.storage.identity().error().code(), ION_E_IO);
  there.plugin.notes.script.how = How::kThrow;
  EXPECT_EQ(there.storage.identity().error().code(), ION_E_EXCEPTION);
  EXPECT_TRUE(there.log->stat().failed);
}

TEST(StorageBridge, a_shorter_or_emptier_table_answers_unsupported_and_names_the_member) {
  for (const Case& each : cases()) {
    StorageThereAndBack there;
    const ion_storage full = there.table;
    there.table.size = offsetof(ion_storage, open);
    Asked cut([&](Op& op) { return each.ask(there, op); });
    EXPECT_EQ(cut.code(), ION_E_UNSUPPORTED);
    EXPECT_EQ(cut.message(), std::string("ion.storage/1 has no member ") + each.member + " here");
    there.table = full;
  }
  StorageThereAndBack there;
  there.table.size = offsetof(ion_storage, seal);
  EXPECT_TRUE(there.log->configure({}).ok());
  Asked seal([&](Op& op) { return there.log->seal(op); });
  EXPECT_EQ(seal.code(), ION_E_UNSUPPORTED);
  there.table.configure = nullptr;
  there.table.stat = nullptr;
  EXPECT_EQ(there.log->configure({}).message(), "ion.storage/1 has no member configure here");
  EXPECT_TRUE(there.log->stat().failed);
  std::unique_ptr<Log> none;
  ImportedStorage nobody(ion_ref{nullptr, nullptr});
  Asked open([&](Op& op) { return nobody.open(op, "x", {}, &none); });
  EXPECT_EQ(open.message(), "ion.storage/1 has no member open here");
  EXPECT_EQ(nobody.identity().error().code(), ION_E_UNSUPPORTED);
}

TEST(StorageBridge, writes_no_more_of_a_struct_than_the_asker_knows) {
  StorageThereAndBack there;
  ion_log_stat stat{};
  stat.size = offsetof(ion_log_stat, durable);
  stat.durable = 4711;
  auto& imported = static_cast<ImportedLog&>(*there.log);
  ASSERT_EQ(there.table.stat(&there.plugin, imported.raw(), &stat), ION_OK);
  EXPECT_EQ(stat.size, offsetof(ion_log_stat, durable));
  EXPECT_EQ(stat.next, 9);
  EXPECT_EQ(stat.durable, 4711);
}

// A replacement that was begun without hindrance; what follows goes as the script says.
struct Replacing {
  explicit Replacing(StorageThereAndBack& there) : notes(there.plugin.notes) {
    const Asked begun([&](Op& op) { return there.log->replace(op, {10}, {30}, &replacement); });
    EXPECT_EQ(begun.code(), ION_OK);
  }
  Asked append() {
    return Asked([this](Op& op) { return replacement->append(op, kBatches); });
  }
  Asked commit() {
    return Asked([this](Op& op) { return replacement->commit(op); });
  }
  Asked abort() {
    return Asked([this](Op& op) { return replacement->abort(op); });
  }
  test::StorageNotes& notes;
  std::unique_ptr<Replacement> replacement;
};

TEST(StorageBridge, a_replacement_is_there_exactly_when_its_begin_succeeded) {
  for (const test::Expected& way : test::kWays) {
    SCOPED_TRACE(static_cast<int>(way.how));
    StorageThereAndBack there;
    there.plugin.notes.script.how = way.how;
    std::unique_ptr<Replacement> replacement;
    const Asked asked([&](Op& op) { return there.log->replace(op, {10}, {30}, &replacement); });
    there.plugin.notes.script.finish();
    EXPECT_EQ(asked.code(), way.code);
    EXPECT_NE(asked.message().find(way.words), std::string::npos) << asked.message();
    EXPECT_EQ(there.plugin.notes.asked.back(), "replace_begin 10 30");
    EXPECT_EQ(replacement != nullptr, way.code == ION_OK);
    EXPECT_EQ(there.plugin.notes.replacements_alive, way.code == ION_OK ? 1 : 0);
    there.plugin.notes.script.how = How::kInline;
  }
}

TEST(StorageBridge, a_replacement_ends_exactly_when_its_commit_or_abort_succeeded) {
  for (const auto end : {&Replacing::commit, &Replacing::abort})
    for (const test::Expected& way : test::kWays) {
      SCOPED_TRACE(static_cast<int>(way.how));
      StorageThereAndBack there;
      Replacing replacing(there);
      EXPECT_EQ(replacing.append().code(), ION_OK);
      EXPECT_EQ(replacing.notes.asked.back(), "replace_append 6 9");
      replacing.notes.script.how = way.how;
      const Asked asked = (replacing.*end)();
      replacing.notes.script.finish();
      EXPECT_EQ(asked.code(), way.code);
      EXPECT_NE(asked.message().find(way.words), std::string::npos) << asked.message();
      EXPECT_EQ(replacing.notes.replacements_alive, way.code == ION_OK ? 0 : 1);
      replacing.notes.script.how = How::kInline;
      if (way.code == ION_OK) {
        EXPECT_EQ(replacing.append().code(), ION_E_INVALID);
        EXPECT_EQ(replacing.commit().code(), ION_E_INVALID);
        EXPECT_EQ(replacing.abort().code(), ION_E_INVALID);
      }
    }
}

TEST(StorageBridge, a_replacement_that_is_destroyed_is_aborted) {
  for (const How how : {How::kInline, How::kLate}) {
    StorageThereAndBack there;
    Replacing replacing(there);
    replacing.notes.script.how = how;
    replacing.replacement.reset();
    replacing.notes.script.finish();
    EXPECT_EQ(replacing.notes.asked.back(), "replace_abort");
    EXPECT_EQ(replacing.notes.replacements_alive, 0);
  }
}

TEST(StorageBridge, a_storage_without_compaction_refuses_every_replacement) {
  struct Plain final : Log {
    Answer close(Op& op) override { return op.ok(); }
    Answer append(Op& op, std::span<const ion_batch>) override { return op.ok(); }
    Answer read(Op& op, Offset, Offset, uint64_t) override { return op.ok(); }
    Answer sync(Op& op, Offset) override { return op.ok(); }
    Answer truncate_suffix(Op& op, Offset) override { return op.ok(); }
    Answer truncate_prefix(Op& op, Offset) override { return op.ok(); }
    Answer offset_for_time(Op& op, Offset, WallMs) override { return op.ok(); }
    LogStat stat() override { return {}; }
    Answer meta_put(Op& op, std::span<const ion_field>) override { return op.ok(); }
    Answer meta_get(Op& op, std::string_view) override { return op.ok(); }
    Result<std::vector<ion_range>> ranges(Offset, size_t) override { return std::vector<ion_range>(); }
    Status configure(const OpenOptions&) override { return {}; }
    Answer seal(Op& op) override { return op.ok(); }
  } log;
  std::unique_ptr<Replacement> none;
  const Asked asked([&](Op& op) { return log.replace(op, {0}, {1}, &none); });
  EXPECT_EQ(asked.code(), ION_E_UNSUPPORTED);
  EXPECT_EQ(asked.message(), "this storage does not compact");
}

TEST(StorageBridge, capabilities_that_the_table_does_not_tell_refuse_every_open) {
  struct Forgetful {
    test::StorageNotes notes;
    test::FakeStorage fake{notes};
    Storage& storage() { return fake; }
  } plugin;
  ImportedStorage storage(ion_ref{&export_storage<Forgetful>, &plugin});
  std::unique_ptr<Log> log;
  Asked asked([&](Op& op) { return storage.open(op, "x", {}, &log); });
  EXPECT_EQ(asked.code(), ION_E_INTERNAL);
  EXPECT_EQ(asked.message(), "kStorageCaps differs from storage().caps()");
}

TEST(StorageBridge, an_open_that_brings_no_log_is_internal) {
  StorageThereAndBack there;
  there.table.open = [](void*, ion_bytes, const ion_open_options*, ion_log**, const ion_op*, ion_result* now) noexcept -> ion_status {
    now->status = ION_OK;
    return ION_OK;
  };
  std::unique_ptr<Log> log;
  Asked asked([&](Op& op) { return there.storage.open(op, "x", {}, &log); });
  EXPECT_EQ(asked.code(), ION_E_INTERNAL);
  EXPECT_EQ(log, nullptr);
}

}  // namespace
}  // namespace ion
