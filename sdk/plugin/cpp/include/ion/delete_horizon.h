// Attribute bit 6 of a RecordBatch v2 (KIP-534): its base time is when its tombstones may go. Record times are deltas from the base time all
// the same, negative ones then. Written by a broker when it first compacts a batch with tombstones; no producer writes it.
#pragma once
#include <ion/record_batch.h>

namespace ion::batch {

inline constexpr uint16_t kDeleteHorizon = 0x40;

constexpr bool has_delete_horizon(const Header& h) noexcept { return (h.attributes & kDeleteHorizon) != 0; }

}  // namespace ion::batch
