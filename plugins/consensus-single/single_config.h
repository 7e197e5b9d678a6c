// Settings of consensus-single.
#pragma once
#include <ion/config_rows.h>

namespace ion::consensus_single {

struct SingleConfig {
  uint64_t proposals_max = 4096;
  static constexpr auto rows() {
    return std::tuple{ion::row("proposals_max", &SingleConfig::proposals_max, kCount, 1, 1'000'000, "Proposals of a group that may wait; more are refused with OVERLOADED.")};
  }
};

}  // namespace ion::consensus_single
