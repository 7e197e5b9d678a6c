#include "partition/append_queue.h"

#include <algorithm>

namespace ion::partition {

namespace {
// The checksum is linear: what the header changes is carried over the records without reading them.
uint32_t checksum_with(const batch::Header& before, const batch::Header& after) {
  std::array<uint8_t, batch::kHeaderBytes> from, to;
  batch::write_header(from.data(), before), batch::write_header(to.data(), after);
  const auto pass = [](const std::array<uint8_t, batch::kHeaderBytes>& header) { return crc32c::pass(~0u, std::span<const uint8_t>(header).subspan(batch::kCrcFrom)); };
  return before.crc ^ crc32c::pass_zeros(pass(from) ^ pass(to), before.total_bytes() - batch::kHeaderBytes);
}
}  // namespace

void AppendJob::stamp(WallMs now) {
  batch::Header stamped = header;
  stamped.attributes |= batch::kLogAppendTime;
  stamped.max_time = now;
  if (stamped.base_time == batch::kNoTime) stamped.base_time = now;  // a reader that adds deltas to it finds the append, and no time before 1970
  stamped.crc = checksum_with(header, stamped);
  header = stamped;
  prefix_bytes = batch::kHeaderBytes;
}

void AppendJob::patch(Offset at, Epoch epoch) {
  base = header.base_offset = at;
  completes_at = header.next_offset();
  header.leader_epoch = epoch;
  if (prefix_bytes == batch::kPrefixBytes) batch::write_prefix(prefix.data(), at, header.length, epoch);
  else batch::write_header(prefix.data(), header);
  patched.clear();
  patched.reserve(parts.size() + 1);
  patched.push_back(borrowed(std::span<const uint8_t>(prefix).first(prefix_bytes)));
  uint64_t skip = prefix_bytes;
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
