#include "space_reserve.h"

#include <utility>

namespace ion {

Status SpaceReserve::keep() {
  const std::lock_guard lock(mutex_);
  if (lent_.load(std::memory_order_acquire) > 0) return {ION_E_NO_SPACE, "the space that is kept for deletes is in use"};
  auto file = files_.open(kPath, ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE);
  if (!file) return std::move(file).error();
  Status kept = (*file)->allocate(0, kBytes);  // also where it is there: a copy of a data directory may have lost the blocks
  if (kept.ok()) return (*file)->close();
  file->reset();
  (void)files_.remove(kPath);
  return kept;
}

// Counted before the file goes, so that keep() does not take the bytes back at once.
void SpaceReserve::lend(std::function<void()> lent) {
  lent_.fetch_add(1, std::memory_order_acq_rel);
  const Status given = post_blocking(executor_, [this, lent] {
    give_up();
    lent();
  });
  if (!given.ok()) lent();
}

void SpaceReserve::give_up() {
  const std::lock_guard lock(mutex_);
  const Status gone = files_.remove(kPath);
  if (gone.ok()) logger_.info("the space that is kept for deletes is used", {{"bytes", std::to_string(kBytes)}});
  else if (gone.code() != ION_E_NOT_FOUND) logger_.warn("the space that is kept for deletes cannot be used", {{"why", gone.text()}});
}

}  // namespace ion
