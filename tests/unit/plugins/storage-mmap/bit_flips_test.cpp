// Every bit of one small file of each kind, flipped while nobody looks: whatever is handed out afterwards is what was stored. Either the
// flip is found and told, or it makes no difference.
#include "support/mmap_fixture.h"

#include <gtest/gtest.h>

namespace ion::storage_mmap {
namespace {

using namespace ion::test;

const std::string kLog = "logs/p+a+0/";
const OpenOptions kOptions{.compaction = true, .segment_bytes = 4096};
const std::vector<std::string> kValues{"zero", "one", "two", "three", "four"};  // offset 1 is in a gap

// A compacted segment, a sealed one, one that is written on, meta items; all of it durable.
std::unique_ptr<FakeDisk> healthy_disk() {
  MmapFixture world;
  LogDriver log = world.open("p/a/0", kOptions);
  EXPECT_TRUE(log.meta_put("vote", "7").ok());
  EXPECT_TRUE(log.add({"zero"}).ok() && log.add({"gone"}).ok() && log.add({"two"}).ok() && log.seal().ok());
  std::vector<TestBatch> kept;
  kept.push_back(make_batch({0}, {"zero"}));
  kept.push_back(make_batch({2}, {"two"}));
  EXPECT_TRUE(log.replace({0}, {3}, kept).ok());
  EXPECT_TRUE(log.add({"three"}).ok() && log.seal().ok() && log.add({"four"}).ok() && log.sync().ok());
  world.run();
  world.kill(log);
  return world.disk.clone();
}

struct Found {
  bool told = false;  // by a refusal, a damaged log or a warning
  std::string wrong;  // what was handed out and never stored, or is missing without a word
};

void look_at_records(LogDriver& log, Found& found) {
  const LogStat s = log.stat();
  found.told |= s.damaged;
  std::string seen;
  for (Offset at = s.first; at < s.next;) {
    const ReadBack r = log.read(at, {INT64_MAX}, 1);
    if (!r.status.ok()) {
      found.told = true;
      at = std::max(at + 1, log.stat().bad_upto);
      continue;
    }
    if (r.bytes() == 0) break;
    const auto n = static_cast<size_t>(r.base.v);
    if (n >= kValues.size() || r.text() != kValues[n] || n == 1) found.wrong += "offset " + std::to_string(r.base.v) + " is " + r.text() + "; ";
    seen += r.text() + ",";
    at = r.next;
  }
  if (seen != "zero,two,three,four," && !found.told) found.wrong += "found " + seen;
}

Found look_at(std::unique_ptr<FakeDisk> disk) {
  MmapFixture world({}, std::move(disk));
  Found found;
  if (!world.started.ok()) return {true, ""};
  auto opened = world.driver().open("p/a/0", kOptions);
  if (!opened) return {true, ""};
  LogDriver log = *std::move(opened);
  look_at_records(log, found);
  const std::string vote = log.meta_get("vote");
  if (vote == "!CORRUPT") found.told = true;
  else if (vote != "7") found.wrong += "vote is " + vote;
  EXPECT_TRUE(log.close().ok());
  found.told |= !world.log.text().empty();
  return found;
}

class BitFlips : public ::testing::TestWithParam<const char*> {};

TEST_P(BitFlips, are_found_before_anything_wrong_is_handed_out) {
  const auto healthy = healthy_disk();
  ASSERT_EQ(look_at(healthy->clone()).wrong, "");
  const std::string path = GetParam();
  const std::vector<uint8_t> bytes = healthy->bytes(path);
  size_t last = bytes.size();
  while (last > 0 && bytes[last - 1] == 0) --last;  // behind it lies what is not used yet
  uint64_t told = 0, flips = 0;
  for (size_t byte = 0; byte < last; ++byte) {
    const bool unused = path == "marks" && bytes[byte] == 0 && byte % 512 > 128 && byte % 512 < 508;
    for (unsigned bit = 0; bit < (unused ? 1u : 8u); ++bit) {
      if (unused && byte % 64 != 0) continue;
      auto disk = healthy->clone();
      disk->flip(path, byte, bit);
      const Found found = look_at(std::move(disk));
      ASSERT_EQ(found.wrong, "") << path << ", byte " << byte << " bit " << bit;
      ++flips, told += found.told ? 1 : 0;
    }
  }
  EXPECT_GT(told, flips / 2) << "of " << flips;
}

INSTANTIATE_TEST_SUITE_P(files, BitFlips,
                         ::testing::Values("identity", "marks", "logs/p+a+0/meta", "logs/p+a+0/00000000000000000000.log",
                                           "logs/p+a+0/00000000000000000000.index", "logs/p+a+0/00000000000000000003.log",
                                           "logs/p+a+0/00000000000000000003.index", "logs/p+a+0/00000000000000000004.log"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::replace_if(name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
                           return name;
                         });

}  // namespace
}  // namespace ion::storage_mmap
