#include "sim/planted_bugs.h"

#include <ion/assert.h>

#include <algorithm>
#include <array>

namespace ion::sim {
namespace {

constexpr std::array<PlantedBug, 12> kBugs{{
    {"retry_failed_fsync", "a failed flush is asked for again and believed"},
    {"no_dir_fsync", "a new name is not flushed with its directory"},
    {"bad_crc_truncates_middle", "a damaged batch below the durable mark is taken for a torn tail"},
    {"short_file_accepted", "a file that ends below the durable mark is the end of the log"},
    {"self_ack_before_persist", "a single broker acknowledges before its flush"},
    {"dedup_not_in_log", "the state of producers is not rebuilt from the log"},
    {"dedup_outlives_log", "a snapshot of producers vouches for batches that the log lost"},
    {"producer_expiry_wall_clock", "producers expire by whatever the wall clock says"},
    {"multi_step_without_intent", "several steps without a record of what was meant"},
    {"ack_before_append_result", "an append is acknowledged whatever came of it"},
    {"zero_offset_default", "an offset that is not known is answered as 0"},
    {"lost_wakeup", "a reader that parks does not look again"},
}};

const PlantedBug* planted = nullptr;
uint64_t reached = 0;

const PlantedBug* find_bug(std::string_view name) {
  const auto* const at = std::find_if(kBugs.begin(), kBugs.end(), [&](const PlantedBug& b) { return b.name == name; });
  return at == kBugs.end() ? nullptr : at;
}
}  // namespace

std::span<const PlantedBug> planted_bugs() { return kBugs; }

bool plant_bug(std::string_view name) {
  planted = find_bug(name), reached = 0;
  return planted != nullptr || name.empty();
}

uint64_t planted_bug_reached() { return reached; }

}  // namespace ion::sim

namespace ion {
bool bug_is_planted(const char* name) noexcept {
  const sim::PlantedBug* const asked = sim::find_bug(name);
  ION_ASSERT(asked != nullptr);  // a switch whose name is in no list
  if (asked != sim::planted) return false;
  ++sim::reached;
  return true;
}
}  // namespace ion
