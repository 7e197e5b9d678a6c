#include "partition/append_queue.h"

#include <algorithm>

namespace ion::partition {

void AppendJob::patch(Offset at, Epoch epoch) {
  base = header.base_offset = at;
  completes_at = header.next_offset();
  header.leader_epoch = epoch;
  batch::write_prefix(prefix.data(), at, header.length, epoch);
  patched.clear();
  patched.reserve(parts.size() + 1);
  patched.push_back(borrowed(prefix));
  uint64_t skip = batch::kPrefixBytes;
  for (ion_buf part : parts) {
    const uint64_t cut = std::min(skip, part.n);
    part.p += cut, part.n -= cut, skip -= cut;
    if (part.n != 0) patched.push_back(part);
  }
  ION_ASSERT(skip == 0);
}

AppendJobPtr AppendQueue::take_until(Offset durable) {
  if (waiting_.empty() || waiting_.front()->completes_at > durable) return nullptr;
  return take_any();
}

AppendJobPtr AppendQueue::take_any() {
  if (waiting_.empty()) return nullptr;
  AppendJobPtr job = std::move(waiting_.front());
  waiting_.pop_front();
  return job;
}

}  // namespace ion::partition
