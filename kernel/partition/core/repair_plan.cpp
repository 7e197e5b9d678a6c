#include "partition/core/repair_plan.h"

#include <algorithm>
#include <utility>

namespace ion::partition {

LogSurvey::LogSurvey(Offset first, Offset next, std::vector<ion_range> sealed, uint64_t bytes) : covered_(first) {
  report_.first = first, report_.next = next;
  uint64_t in_pieces = 0;
  for (const ion_range& piece : sealed) {
    pieces_.push_back({{piece.base}, {piece.next}, piece.bytes});
    in_pieces += piece.bytes;
  }
  const Offset active = pieces_.empty() ? first : pieces_.back().next;
  pieces_.push_back({active, std::max(active, next), bytes - std::min(bytes, in_pieces)});
}

size_t LogSurvey::piece_of(Offset at) const noexcept {
  const auto behind = std::upper_bound(pieces_.begin(), pieces_.end(), at, [](Offset offset, const Piece& piece) { return offset < piece.base; });
  return behind == pieces_.begin() ? 0 : static_cast<size_t>(behind - pieces_.begin()) - 1;
}

void LogSurvey::read(const batch::Header& header) {
  const uint64_t bytes = header.total_bytes();
  const auto records = static_cast<uint64_t>(std::max(header.count, 0));
  pieces_[piece_of(std::max(header.base_offset, report_.first))].read += bytes;
  report_.records_left += records, report_.bytes_left += bytes;
  const bool begins_here = header.base_offset <= covered_;
  report_.dense &= begins_here && header.next_offset() - header.base_offset == static_cast<int64_t>(records);
  covered_ = std::max(covered_, header.next_offset());
}

void LogSurvey::lost(Offset from, Offset upto) {
  covered_ = std::max(covered_, upto);
  for (size_t i = piece_of(from); i < pieces_.size() && pieces_[i].base < upto; ++i) pieces_[i].damaged = true;
  if (last_ && last_->upto == from) {
    last_->upto = upto;
    if (report_.parts_all <= kPartsMax) report_.parts.back().upto = upto;
    return;
  }
  last_ = LostPart{from, upto};
  if (++report_.parts_all <= kPartsMax) report_.parts.push_back(*last_);
}

RepairReport LogSurvey::report() const {
  RepairReport report = report_;
  for (const Piece& piece : pieces_)
    if (piece.damaged) report.bytes_lost += piece.stored - std::min(piece.stored, piece.read);
  return report;
}

RepairStep next_repair_step(const LogStat& log, std::span<const ion_range> sealed) noexcept {
  using Kind = RepairStep::Kind;
  if (!log.damaged) return {};
  const Offset at = std::max(log.bad_from, log.first);
  if (sealed.empty()) return {Kind::kCutPrefix, log.first, std::max(log.bad_upto, at)};
  if (at.v < sealed.front().base) return {Kind::kCutPrefix, log.first, {sealed.front().base}};
  size_t i = 0;
  while (i + 1 < sealed.size() && sealed[i + 1].base <= at.v) ++i;
  const bool is_border = log.bad_upto <= log.bad_from && i > 0 && sealed[i].base == at.v;
  const int64_t base = is_border ? sealed[i - 1].base : sealed[i].base;
  while (i + 1 < sealed.size() && sealed[i + 1].base < log.bad_upto.v) ++i;
  return {Kind::kReplace, {base}, {sealed[i].next}};
}

}  // namespace ion::partition
