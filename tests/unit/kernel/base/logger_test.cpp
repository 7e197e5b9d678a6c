#include "base/logger.h"

#include "unit/kernel/base/support.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

namespace ion::base {
namespace {

using test::Event;
using test::must;

class StillClock final : public Clock {
 public:
  Instant now() override { return {1}; }
  WallMs wall() override { return {0}; }
};

// The lines that came out; `gate`, if set, holds the output up after it said that it arrived.
struct Lines {
  LogOutput output() {
    return [this](std::string_view line) {
      arrived.happen();
      EXPECT_TRUE(gate == nullptr || gate->wait());
      const std::lock_guard lock(mutex);
      all += line;
    };
  }
  std::string text() {
    const std::lock_guard lock(mutex);
    return all;
  }
  std::mutex mutex;
  std::string all;
  Event arrived;
  Event* gate = nullptr;
};

struct LoggerTest : ::testing::Test {
  std::unique_ptr<SpdLogger> start(LogOptions options = {}) {
    options.output = lines.output();
    return must(SpdLogger::start(clock, std::move(options)));
  }
  StillClock clock;
  Lines lines;
};

TEST_F(LoggerTest, a_line_carries_the_name_of_its_logger) {
  auto log = start();
  log->info("started", {{"shards", "2"}});
  auto child = log->child("plugin/storage-mmap");
  child->warn("slow disk");
  EXPECT_TRUE(log->flush(seconds(60)));
  EXPECT_EQ(lines.text(),
            "1970-01-01T00:00:00.000Z info  kernel started shards=2\n"
            "1970-01-01T00:00:00.000Z warn  plugin/storage-mmap slow disk\n");
}

TEST_F(LoggerTest, the_level_is_one_for_the_family_and_may_change) {
  auto log = start({.format = LogFormat::kText, .level = LogLevel::kWarn});
  auto child = log->child("cluster");
  child->info("one");
  child->error("two");
  log->set_level(LogLevel::kDebug);
  child->write(LogLevel::kDebug, "three", {});
  EXPECT_EQ(child->level(), LogLevel::kDebug);
  EXPECT_TRUE(child->flush(seconds(60)));
  EXPECT_EQ(lines.text(),
            "1970-01-01T00:00:00.000Z error cluster two\n"
            "1970-01-01T00:00:00.000Z debug cluster three\n");
}

TEST_F(LoggerTest, fields_of_a_plugin_are_written_like_our_own) {
  auto log = start({.format = LogFormat::kJson});
  const std::array<ion_field, 1> fields{{{bytes_of("topic"), bytes_of("a\nb")}}};
  log->write(LogLevel::kInfo, "opened", fields);
  EXPECT_TRUE(log->flush(seconds(60)));
  EXPECT_EQ(lines.text(),
            R"({"time":"1970-01-01T00:00:00.000Z","level":"info","logger":"kernel","message":"opened","fields":{"topic":"a\nb"}})"
            "\n");
}

TEST_F(LoggerTest, the_last_of_the_family_writes_what_waits) {
  Event gate;
  lines.gate = &gate;
  auto log = start();
  auto child = log->child("child");
  log.reset();
  for (int i = 0; i < 100; ++i) child->info("line");
  gate.happen();
  child.reset();
  EXPECT_EQ(std::ranges::count(lines.text(), '\n'), 100);
}

TEST_F(LoggerTest, a_hanging_output_holds_nobody_up_and_the_lost_lines_are_counted) {
  Event gate;
  lines.gate = &gate;
  auto log = start({.format = LogFormat::kText, .level = LogLevel::kInfo, .lines_max = 4});
  log->info("first");
  ASSERT_TRUE(lines.arrived.wait());  // the output hangs inside the first line
  for (int i = 0; i < 10; ++i) log->info("line", {{"n", std::to_string(i)}});
  EXPECT_FALSE(log->flush(nanoseconds(1)));
  gate.happen();
  EXPECT_TRUE(log->flush(seconds(60)));
  EXPECT_EQ(lines.text(),
            "1970-01-01T00:00:00.000Z info  kernel first\n"
            "1970-01-01T00:00:00.000Z warn  log lines were dropped, the output is too slow lines=6\n"
            "1970-01-01T00:00:00.000Z info  kernel line n=6\n"
            "1970-01-01T00:00:00.000Z info  kernel line n=7\n"
            "1970-01-01T00:00:00.000Z info  kernel line n=8\n"
            "1970-01-01T00:00:00.000Z info  kernel line n=9\n");
}

TEST_F(LoggerTest, lines_of_many_threads_come_out_whole_and_each_thread_in_order) {
  auto log = start({.format = LogFormat::kText, .level = LogLevel::kInfo, .lines_max = 1U << 16});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      auto mine = log->child("t" + std::to_string(t));
      for (int i = 0; i < 500; ++i) mine->info("line", {{"n", std::to_string(i)}});
    });
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(log->flush(seconds(60)));
  std::map<std::string, int> next;
  const std::string text = lines.text();
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    const std::string name = line.substr(31, 2);
    ASSERT_EQ(line, "1970-01-01T00:00:00.000Z info  " + name + " line n=" + std::to_string(next[name]++));
    at = end + 1;
  }
  EXPECT_EQ(next, (std::map<std::string, int>{{"t0", 500}, {"t1", 500}, {"t2", 500}, {"t3", 500}}));
}

TEST_F(LoggerTest, the_bound_of_waiting_lines_is_checked) {
  EXPECT_CODE(ION_E_INVALID, SpdLogger::start(clock, {.lines_max = 0}));
  EXPECT_CODE(ION_E_INVALID, SpdLogger::start(clock, {.lines_max = UINT32_MAX}));
}

}  // namespace
}  // namespace ion::base
