// The mistakes that can be planted (ion/simulated_bug.h), at most one at a time in this process. Thread: one.
#pragma once
#include <ion/simulated_bug.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace ion::sim {

struct PlantedBug {
  std::string_view name;
  std::string_view what;  // the mistake, for people
};
std::span<const PlantedBug> planted_bugs();

// From now on this one is on; an empty name: none. False: there is no such one.
bool plant_bug(std::string_view name);
// How often the product asked for the one that is on. 0: its place was never reached.
uint64_t planted_bug_reached();

}  // namespace ion::sim
