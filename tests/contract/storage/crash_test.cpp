// A machine goes down at every single step of a recorded life, and what comes up again is judged: nothing that was synced is
// missing, nothing is there that was not appended, nothing has a hole, nothing is called damaged. Killed processes keep the page
// cache, and then everything that was answered is there. The recovery itself is interrupted too.
#include "contract/storage/storage_fixtures.h"
#include "contract/storage/trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

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

// What came of one life: it ended before the machine went down, or something is wrong with what was found.
struct Verdict {
  bool lived_on = false;
  std::string wrong;
};
using Plant = std::function<void(FakeDisk&)>;

class CrashedLife {
 public:
  // `plant` may put faults into the disk.
  CrashedLife(Down how, uint64_t seed, Plant plant = [](FakeDisk&) {}) : how_(how), seed_(seed), plant_(std::move(plant)) {}

  // One life with the machine going down at change `at`, and twice more while it recovers.
  Verdict down_at(uint64_t at) {
    MmapFixture world(seed_ % 2 == 0 ? storage_mmap::StorageMmapConfig{} : with_checkpoints());
    plant_(world.disk);
    SeededRandom order(seed_ * 31 + 7), cut(seed_ * 1000 + at);
    world.executor.draw_order_from(&order);
    Trace trace(seed_, true);
    options_ = trace.options();
    LogDriver log = *world.driver().open("p/a/0", options_);
    world.disk.crash_at_change(at);
    bool went_down = false;
    for (int i = 0; i < kSteps && !went_down; ++i) {
      went_down = !trace.step(log, [&] { return world.disk.crashed(); }) || world.disk.crashed();
      if (!went_down && cut.one_in(15)) went_down = !reopen(world, log, trace);
    }
    if (!went_down) {
      if (log.is_open()) (void)log.close();  // it may go down there
      return {true, ""};
    }
    std::vector<std::unique_ptr<Log>> logs;
    if (log.is_open()) logs.push_back(log.abandon());
    std::string wrong = go_down(world, std::move(logs), cut);
    for (int again = 0; again < 2; ++again) {
      world.disk.crash_at_change(cut.below(12));
      auto reopened = world.driver().open("p/a/0", trace.options());
      logs.clear();
      if (reopened) logs.push_back(reopened->abandon());
      wrong += go_down(world, std::move(logs), cut);
    }
    if (wrong.empty()) wrong = look_at(world, trace);
    return {false, wrong};
  }

 private:
  static storage_mmap::StorageMmapConfig with_checkpoints() {
    storage_mmap::StorageMmapConfig often;
    often.writeback_bytes = 128, often.checkpoint_bytes = 256, often.index_interval = 256, often.checkpoint_pause = Nanos{};
    return often;
  }
  std::string go_down(MmapFixture& world, std::vector<std::unique_ptr<Log>> logs, SeededRandom& random) {
    world.die(std::move(logs), [&] {
      if (how_ != Down::kPowerCut) world.disk.kill();
      else world.disk.lose_power(random);
    });
    if (how_ != Down::kKilledThenPowerCut) return "";
    std::vector<std::unique_ptr<Log>> recovered;
    auto opened = world.driver().open("p/a/0", options_);
    const std::string wrong = opened ? "" : "after the kill it does not open: " + opened.error().text();
    if (opened) recovered.push_back(opened->abandon());
    world.die(std::move(recovered), [&] { world.disk.lose_power(random); });
    return wrong;
  }

  // Closes and opens; false when the machine went down meanwhile.
  bool reopen(MmapFixture& world, LogDriver& log, Trace& trace) {
    trace.forget_attempt();
    if (!log.close().ok()) return false;
    auto again = world.driver().open("p/a/0", trace.options());
    if (!again) return false;
    log = *std::move(again);
    return !world.disk.crashed();
  }

  std::string look_at(MmapFixture& world, const Trace& trace) {
    if (!world.started.ok()) return "it does not start: " + world.started.text();
    auto found = world.driver().open("p/a/0", trace.options());
    if (!found) return "it does not open: " + found.error().text();
    const TracedLog &before = trace.before(), &after = trace.after();
    const std::string wrong = judge_found(trace, *found, how_);
    if (!wrong.empty())
      return wrong + "\n" + world.log.text() + "\nbefore [" + std::to_string(before.first.v) + ", " + std::to_string(before.next.v) + ") durable " +
             std::to_string(before.durable.v) + ", asked for [" + std::to_string(after.first.v) + ", " + std::to_string(after.next.v) + "), found [" +
             std::to_string(found->stat().first.v) + ", " + std::to_string(found->stat().next.v) + ")";
    // It is as good as new.
    const Offset next = found->stat().next;
    if (!found->add({"after the crash"}).ok() || !found->sync().ok()) return "it takes nothing more";
    if (found->read(next).text() != "after the crash") return "what it took is not there";
    return found->close().ok() ? "" : "it cannot be closed";
  }

  static constexpr int kSteps = 60;
  const Down how_;
  const uint64_t seed_;
  const Plant plant_;
  OpenOptions options_;
};

class Crashes : public ::testing::TestWithParam<std::tuple<Down, uint64_t>> {};

TEST_P(Crashes, at_every_change_of_a_life_leave_what_was_promised) {
  const auto [how, seed] = GetParam();
  CrashedLife life(how, seed);
  for (uint64_t at = 0;; ++at) {
    const Verdict verdict = life.down_at(at);
    ASSERT_EQ(verdict.wrong, "") << "seed " << seed << ", down at change " << at;
    if (!verdict.lived_on) continue;
    EXPECT_GT(at, 100u);  // the life had so many changes
    return;
  }
}

// The cycles are worth what they find: a flush that does nothing is found by one of the first lives.
struct Planted {
  DiskOp op;
  const char* path;
};
class PlantedFaults : public ::testing::TestWithParam<Planted> {};

TEST_P(PlantedFaults, are_found_within_twenty_lives) {
  const Planted planted = GetParam();
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CrashedLife life(Down::kPowerCut, seed, [&](FakeDisk& disk) { disk.pretend(planted.op, planted.path); });
    Verdict verdict;
    for (uint64_t at = 0; !verdict.lived_on && verdict.wrong.empty(); ++at) verdict = life.down_at(at);
    if (!verdict.wrong.empty()) return;
  }
  FAIL() << "nothing was found";
}

INSTANTIATE_TEST_SUITE_P(flushes, PlantedFaults,
                         ::testing::Values(Planted{DiskOp::kSyncData, "replacement.log"}, Planted{DiskOp::kSyncData, "replacement.index"},
                                           Planted{DiskOp::kSyncDir, "logs/p+a+0"}, Planted{DiskOp::kSyncData, "meta.new"},
                                           Planted{DiskOp::kSyncData, "p+a+0/000000"}),  // marks and indexes then speak of what is not durable
                         [](const auto& tested) {
                           std::string name = tested.param.path;
                           std::replace_if(name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
                           return name;
                         });

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
