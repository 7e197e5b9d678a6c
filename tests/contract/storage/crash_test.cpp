// A machine goes down at every single step of a recorded life, and what comes up again is judged: nothing that was synced is
// missing, nothing is there that was not appended, nothing has a hole, nothing is called damaged. Killed processes keep the page
// cache, and then everything that was answered is there. The recovery itself is interrupted too.
#include "contract/storage/storage_fixtures.h"
#include "contract/storage/trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace ion::test {
namespace {

enum class Down { kKilled, kPowerCut, kKilledThenPowerCut };  // the last: opened in between, which makes all of it durable

// Empty: what was found is allowed. Else what is wrong with it.
std::string judge_found(const Trace& trace, const TracedLog& after, LogDriver& log, Down how) {
  const TracedLog& before = trace.before();
  const LogStat s = log.stat();
  if (s.damaged) return "damaged from " + std::to_string(s.bad_from.v);
  if (s.first != before.first && s.first != after.first) return "first is " + std::to_string(s.first.v);
  if (s.durable != s.next) return "not all is durable after opening";
  const bool restarted = after.first > before.next && s.first == after.first;  // a prefix cut beyond the end had happened
  const bool appended = after.next > before.next && after.first == before.first;
  const TracedLog& whole = restarted || appended || trace.replace_attempted() ? after : before;
  Offset least = how == Down::kPowerCut ? before.durable : before.next;
  if (trace.cut_attempted()) least = std::min(least, *trace.cut_attempted());
  if (restarted) least = after.next;
  if (s.next < std::max(least, s.first)) return "ends at " + std::to_string(s.next.v) + ", at least " + std::to_string(least.v) + " was promised";
  if (s.next > whole.next) return "ends at " + std::to_string(s.next.v) + ", only " + std::to_string(whole.next.v) + " was appended";
  size_t i = 0;
  Status read;
  const std::vector<TracedBatch> all = all_batches(log, UINT64_MAX / 2, &read);
  if (!read.ok()) return "reading it: " + read.text();
  for (const TracedBatch& found : all) {
    while (i < whole.batches.size() && whole.batches[i].next <= s.first) ++i;
    if (i == whole.batches.size()) return "a batch at " + std::to_string(found.base.v) + " that nobody appended";
    if (whole.batches[i].base != found.base || whole.batches[i].bytes != found.bytes)
      return "batch at " + std::to_string(found.base.v) + " is not the one that was appended at " + std::to_string(whole.batches[i].base.v);
    ++i;
  }
  for (; i < whole.batches.size(); ++i)
    if (whole.batches[i].next <= s.next && whole.batches[i].next > s.first) return "batch at " + std::to_string(whole.batches[i].base.v) + " is missing";
  const std::string meta = log.meta_get("key");
  const auto same = [&](const std::string& kept) { return meta == (kept.empty() ? "!NOT_FOUND" : kept); };
  if (!same(before.meta) && !same(after.meta)) return "meta is " + meta;
  return "";
}
// A compaction that got no answer happened whole or not at all.
std::string judge_found(const Trace& trace, LogDriver& log, Down how) {
  const std::string as_asked = judge_found(trace, trace.after(), log, how);
  if (as_asked.empty() || !trace.replace_attempted()) return as_asked;
  const std::string as_before = judge_found(trace, trace.before(), log, how);
  return as_before.empty() ? "" : "neither the old pieces (" + as_before + ") nor the new one (" + as_asked + ")";
}

class Crashes : public ::testing::TestWithParam<std::tuple<Down, uint64_t>> {
 protected:
  Down how() const { return std::get<0>(GetParam()); }
  uint64_t seed() const { return std::get<1>(GetParam()); }

  void go_down(MmapFixture& world, std::vector<std::unique_ptr<Log>> logs, SeededRandom& random) {
    world.die(std::move(logs), [&] {
      if (how() != Down::kPowerCut) world.disk.kill();
      else world.disk.lose_power(random);
    });
    if (how() != Down::kKilledThenPowerCut) return;
    std::vector<std::unique_ptr<Log>> recovered;
    auto opened = world.driver().open("p/a/0", options_);
    EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().text());
    if (opened) recovered.push_back(opened->abandon());
    world.die(std::move(recovered), [&] { world.disk.lose_power(random); });
  }
  OpenOptions options_;

  // Closes and opens; false when the machine went down meanwhile.
  bool reopen(MmapFixture& world, LogDriver& log, Trace& trace) {
    trace.forget_attempt();
    if (!log.close().ok()) return false;
    auto again = world.driver().open("p/a/0", trace.options());
    if (!again) return false;
    log = *std::move(again);
    return !world.disk.crashed();
  }

  // One life with the machine going down at change `at`. False: the life ended before that.
  bool live_and_crash(uint64_t at) {
    SCOPED_TRACE("seed " + std::to_string(seed()) + ", down at change " + std::to_string(at));
    MmapFixture world;
    SeededRandom order(seed() * 31 + 7), cut(seed() * 1000 + at);
    world.executor.draw_order_from(&order);
    Trace trace(seed(), true);
    options_ = trace.options();
    LogDriver log = *world.driver().open("p/a/0", options_);
    world.disk.crash_at_change(at);
    bool went_down = false;
    for (int i = 0; i < kSteps && !went_down; ++i) {
      went_down = !trace.step(log, [&] { return world.disk.crashed(); }) || world.disk.crashed();
      if (!went_down && cut.one_in(15)) went_down = !reopen(world, log, trace);
    }
    if (!went_down) return !log.is_open() || (log.close().ok() && false);
    std::vector<std::unique_ptr<Log>> logs;
    if (log.is_open()) logs.push_back(log.abandon());
    go_down(world, std::move(logs), cut);
    for (int again = 0; again < 2; ++again) {  // and once more while it recovers
      world.disk.crash_at_change(cut.below(12));
      auto reopened = world.driver().open("p/a/0", trace.options());
      logs.clear();
      if (reopened) logs.push_back(reopened->abandon());
      go_down(world, std::move(logs), cut);
    }
    EXPECT_TRUE(world.started.ok()) << world.started.text();
    auto found = world.driver().open("p/a/0", trace.options());
    EXPECT_TRUE(found.has_value()) << (found ? "" : found.error().text());
    if (!found) return true;
    const TracedLog &before = trace.before(), &after = trace.after();
    EXPECT_EQ(judge_found(trace, *found, how()), "")
        << world.log.text() << "\nbefore [" << before.first.v << ", " << before.next.v << ") durable " << before.durable.v << ", asked for ["
        << after.first.v << ", " << after.next.v << "), found [" << found->stat().first.v << ", " << found->stat().next.v << ")";
    // It is as good as new.
    const Offset next = found->stat().next;
    EXPECT_TRUE(found->add({"after the crash"}).ok());
    EXPECT_TRUE(found->sync().ok());
    EXPECT_EQ(found->read(next).text(), "after the crash");
    EXPECT_TRUE(found->close().ok());
    return true;
  }
  static constexpr int kSteps = 60;
};

TEST_P(Crashes, at_every_change_of_a_life_leave_what_was_promised) {
  uint64_t at = 0;
  while (live_and_crash(at) && !HasFailure()) ++at;
  EXPECT_GT(at, 100u);  // the life had so many changes
}

// ION_CRASH_CYCLES=1000 build/release/tests/contract_storage --gtest_filter='crash_cycles*'
uint64_t cycles() {
  const char* const asked = std::getenv("ION_CRASH_CYCLES");
  return asked != nullptr ? std::max<uint64_t>(1, std::strtoull(asked, nullptr, 10)) : 30;
}

std::string name_of(Down how) { return how == Down::kKilled ? "killed" : how == Down::kPowerCut ? "power_cut" : "killed_then_power_cut"; }

INSTANTIATE_TEST_SUITE_P(crash_cycles, Crashes,
                         ::testing::Combine(::testing::Values(Down::kKilled, Down::kPowerCut, Down::kKilledThenPowerCut), ::testing::Range<uint64_t>(1, 1 + cycles())),
                         [](const auto& tested) {
                           return name_of(std::get<0>(tested.param)) + "_seed_" + std::to_string(std::get<1>(tested.param));
                         });

}  // namespace
}  // namespace ion::test
