#include "core/batch_check.h"

#include <string>

namespace ion::storage_mmap {

namespace {
Status wrong_batch(const ion_batch& b, std::string_view what, int64_t wanted, int64_t have) {
  return {ION_E_INVALID, "batch [" + std::to_string(b.base) + ", " + std::to_string(b.next) + "): " + std::string(what) + ": wanted " +
                             std::to_string(wanted) + ", have " + std::to_string(have)};
}
}  // namespace

Result<CheckedBatch> check_batch(const ion_batch& b, Offset least) {
  const std::span<const ion_buf> parts(b.parts, b.nparts);
  const uint64_t have = bytes_in(parts);
  if (have < batch::kHeaderBytes) return wrong_batch(b, "bytes", static_cast<int64_t>(batch::kHeaderBytes), static_cast<int64_t>(have));
  CheckedBatch checked;
  copy_out(parts, 0, checked.raw.size(), checked.raw.data());
  const batch::Header h = checked.header = batch::read_header(checked.raw.data());
  if (const Fault fault = judge_header(h, have); fault != Fault::kNone || h.total_bytes() != have)
    return Status(ION_E_INVALID, "batch at " + std::to_string(b.base) + " of " + std::to_string(have) + " bytes: " +
                                     std::string(fault != Fault::kNone ? fault_text(fault) : "its length field says another size"));
  if (b.base < least.v) return wrong_batch(b, "base offset, at least where the batch before it ends", least.v, b.base);
  if (h.base_offset.v != b.base) return wrong_batch(b, "base offset in its header", b.base, h.base_offset.v);
  if (h.next_offset().v != b.next) return wrong_batch(b, "next offset by its header", b.next, h.next_offset().v);
  if (h.leader_epoch.v != b.epoch) return wrong_batch(b, "epoch in its header", b.epoch, h.leader_epoch.v);
  return checked;
}

}  // namespace ion::storage_mmap
