// Brings the producer state of a partition back: newest snapshot from the state log, then the headers of the log's tail.
// Thread: any; one answer. A snapshot that says more than the log holds (the log lost an unsynced tail) is not believed.
#pragma once
#include "partition/core/producer_window.h"

#include <ion/contract/storage.h>

#include <functional>

namespace ion::partition {

struct LoadedWindow {
  ProducerWindow window;
  Offset state_next;           // where the next snapshot goes in the state log
  uint64_t scanned_bytes = 0;  // of the log, behind the snapshot
  Offset snapshot_upto;        // what the snapshot covers; 0: there is none
};
using WindowLoaded = std::function<void(Result<LoadedWindow>)>;

struct WindowRules {
  WallMs now;      // when batches count as appended that no snapshot covers: nobody knows
  Nanos expiry{};  // as ProducerWindow::set_expiry
};

// `log` and `state` outlive the answer; `state` is null when there is no state log. Damaged ranges of the log are skipped: appends are refused there anyway.
void load_window(const WindowRules& rules, Log& log, Log* state, WindowLoaded done);

// The batch that carries one snapshot in the state log.
std::vector<uint8_t> snapshot_batch(Offset state_offset, std::span<const uint8_t> snapshot);

}  // namespace ion::partition
