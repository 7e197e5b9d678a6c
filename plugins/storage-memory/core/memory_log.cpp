#include "core/memory_log.h"

#include <ion/record_batch.h>

#include <algorithm>

namespace ion::storage_memory {

namespace {
constexpr uint64_t kMetaBytesMax = uint64_t{64} << 10;
constexpr uint64_t kMetaKeyMax = 255;

Status wrong(const ion_batch& b, std::string_view what) {
  return {ION_E_INVALID, "batch [" + std::to_string(b.base) + ", " + std::to_string(b.next) + "): " + std::string(what)};
}
}  // namespace

Status MemoryLog::check(std::span<const ion_batch> batches, Offset least) {
  for (const ion_batch& b : batches) {
    const std::span<const ion_buf> parts(b.parts, b.nparts);
    const uint64_t have = bytes_in(parts);
    if (have < batch::kHeaderBytes) return wrong(b, "has " + std::to_string(have) + " bytes, wanted at least 61");
    uint8_t raw[batch::kHeaderBytes];
    copy_out(parts, 0, sizeof raw, raw);
    const batch::Header h = batch::read_header(raw);
    if (h.magic != batch::kMagic || h.length <= 0 || h.total_bytes() != have || h.last_offset_delta < 0)
      return wrong(b, "its header does not fit its bytes");
    if (h.base_offset.v != b.base || h.next_offset().v != b.next || h.leader_epoch.v != b.epoch)
      return wrong(b, "base, next or epoch differ from its header");
    if (b.base < least.v) return wrong(b, "begins below the end of what is there, " + std::to_string(least.v));
    least = {b.next};
  }
  return {};
}

MemoryLog::Placed MemoryLog::placed(const ion_batch& batch, uint64_t at, const uint8_t* bytes) {
  return {{batch.base}, {batch.next}, at, bytes_in({batch.parts, batch.nparts}), batch.time_max_ms, batch::read_header(bytes).count == 0};
}

Result<Offset> MemoryLog::append(std::span<const ion_batch> batches, WallMs now) {
  ION_CHECK(check(batches, next_));
  uint64_t total = 0;
  for (const ion_batch& b : batches) total += bytes_in({b.parts, b.nparts});
  if (batches.empty()) return next_;
  last_append_ = std::max(last_append_, now);  // a clock that is set back does not make it younger
  if (!open_piece_ || pieces_.back().used + total > pieces_.back().memory.size()) {
    Piece piece;
    piece.base = next_;
    piece.memory = Buf::allocate(std::max(piece_bytes_, total), &piece.to);
    piece.first_append = last_append_;
    pieces_.push_back(std::move(piece));
    open_piece_ = true;
  }
  Piece& piece = pieces_.back();
  piece.last_append = last_append_;
  for (const ion_batch& b : batches) {
    const uint64_t n = bytes_in({b.parts, b.nparts});
    copy_out({b.parts, b.nparts}, 0, n, piece.to + piece.used);
    piece.batches.push_back(placed(b, piece.used, piece.to + piece.used));
    piece.used += n;
    next_ = {b.next};
  }
  return next_;
}

Result<Slice> MemoryLog::read(const ReadBounds& bounds) const {
  if (bounds.from < first_ || bounds.from > next_)
    return Status(ION_E_OUT_OF_RANGE, "offset " + std::to_string(bounds.from.v) + " is outside of the log, which is [" + std::to_string(first_.v) +
                                          ", " + std::to_string(next_.v) + ")");
  for (const Piece& piece : pieces_) {
    if (piece.batches.empty() || piece.batches.back().next <= bounds.from) continue;
    const auto first = std::upper_bound(piece.batches.begin(), piece.batches.end(), bounds.from,
                                        [](Offset from, const Placed& p) { return from < p.next; });
    auto end = first;
    uint64_t bytes = 0;
    while (end != piece.batches.end() && end->next <= bounds.upto && (end == first || bytes + end->bytes <= bounds.bytes_max))
      bytes += end++->bytes;
    if (end == first) break;
    return Slice{piece.memory.slice(first->at, bytes), first->base, (end - 1)->next};
  }
  return Slice{Buf(), bounds.from, bounds.from};
}

Result<MemoryLog::AtTime> MemoryLog::find_time(Offset from, WallMs time) const {
  for (const Piece& piece : pieces_)
    for (const Placed& b : piece.batches)
      if (b.next > std::max(from, first_) && !b.empty && b.time_max_ms >= time.ms) return AtTime{b.base, {b.time_max_ms}};
  return Status(ION_E_NOT_FOUND, "the log has no record at or after " + std::to_string(time.ms) + " ms");
}

Status MemoryLog::truncate_suffix(Offset from) {
  if (from < first_) return {ION_E_OUT_OF_RANGE, "truncate at " + std::to_string(from.v) + ": the log begins at " + std::to_string(first_.v)};
  if (from >= next_) return {};
  if (replacement_ && from < replacement_->next) replacement_->truncated = true;
  next_ = first_;
  while (!pieces_.empty()) {
    Piece& last = pieces_.back();
    while (!last.batches.empty() && last.batches.back().next > from) last.batches.pop_back();
    if (!last.batches.empty()) {
      last.used = last.batches.back().at + last.batches.back().bytes;
      next_ = std::max(first_, last.batches.back().next);
      break;
    }
    pieces_.pop_back();
  }
  open_piece_ = false;
  return {};
}

void MemoryLog::truncate_prefix(Offset before) {
  if (before <= first_) return;
  if (replacement_ && before > replacement_->base) replacement_->truncated = true;
  first_ = before;
  if (before >= next_) {
    pieces_.clear();
    next_ = before;
    open_piece_ = false;
  }
  const auto keeps = [&](const Piece& p) { return p.batches.back().next > before; };
  const size_t fixed = open_piece_ ? 1 : 0;
  auto keep = std::find_if(pieces_.begin(), pieces_.end(), keeps);
  if (static_cast<size_t>(pieces_.end() - keep) < fixed) keep = pieces_.end() - 1;
  pieces_.erase(pieces_.begin(), keep);
}

Offset MemoryLog::sealed() const noexcept {
  return open_piece_ ? std::max(first_, pieces_.back().base) : next_;
}

uint64_t MemoryLog::bytes() const noexcept {
  uint64_t n = 0;
  for (const Piece& p : pieces_) n += p.used;
  return n;
}

std::vector<ion_range> MemoryLog::sealed_ranges(Offset from, size_t cap) const {
  std::vector<ion_range> ranges;
  for (size_t i = 0; i < pieces_.size() - (open_piece_ ? 1 : 0) && ranges.size() < cap; ++i) {
    const Piece& p = pieces_[i];
    if (p.batches.back().next <= from) continue;
    ion_range range{std::max(first_, p.base).v, p.batches.back().next.v, p.used, -1, p.last_append.ms};
    for (const Placed& b : p.batches) range.time_max_ms = std::max(range.time_max_ms, b.time_max_ms);
    ranges.push_back(range);
  }
  return ranges;
}

MemoryLog::Run MemoryLog::sealed_run(Offset base, Offset next) const {
  const size_t sealed_pieces = pieces_.size() - (open_piece_ ? 1 : 0);
  size_t first = 0;
  while (first < sealed_pieces && std::max(first_, pieces_[first].base) < base) ++first;
  if (first == sealed_pieces || std::max(first_, pieces_[first].base) != base) return {};
  for (size_t i = first; i < sealed_pieces; ++i)
    if (pieces_[i].batches.back().next == next) return {first, i + 1 - first};
  return {};
}

Result<uint64_t> MemoryLog::begin_replacement(Offset base, Offset next) {
  if (replacement_) return Status(ION_E_BUSY, "the log has a replacement already");
  const Run run = sealed_run(base, next);
  if (run.n == 0)
    return Status(ION_E_INVALID, "replace [" + std::to_string(base.v) + ", " + std::to_string(next.v) + "): wanted whole sealed pieces of the log");
  replacement_ = Replacement{++replacements_, base, next, pieces_[run.first].base, false, {}, {}};
  return replacement_->number;
}

Result<MemoryLog::Replacement*> MemoryLog::replacement(uint64_t which) {
  if (!replacement_ || replacement_->number != which) return Status(ION_E_CLOSED, "this replacement was ended");
  return &*replacement_;
}

Status MemoryLog::append_to_replacement(uint64_t which, std::span<const ion_batch> batches) {
  ION_TRY(Replacement* const r, replacement(which));
  ION_CHECK(check(batches, r->reached));
  if (batches.empty()) return {};
  if (r->batches.empty() && batches.front().next <= r->base.v) return wrong(batches.front(), "ends below the range, " + std::to_string(r->base.v));
  if (batches.back().next > r->next.v) return wrong(batches.back(), "ends above the range, " + std::to_string(r->next.v));
  for (const ion_batch& b : batches) {
    const uint64_t at = r->bytes.size(), n = bytes_in({b.parts, b.nparts});
    r->bytes.resize(at + n);
    copy_out({b.parts, b.nparts}, 0, n, r->bytes.data() + at);
    r->batches.push_back(placed(b, at, r->bytes.data() + at));
    r->reached = {b.next};
  }
  return {};
}

Status MemoryLog::commit_replacement(uint64_t which) {
  ION_TRY(Replacement* const r, replacement(which));
  const Run run = sealed_run(r->base, r->next);
  if (r->truncated || run.n == 0)
    return {ION_E_CONFLICT, "replace [" + std::to_string(r->base.v) + ", " + std::to_string(r->next.v) + "): the range was truncated meanwhile"};
  if (r->batches.empty() || r->reached != r->next)
    return {ION_E_INVALID, "replace up to " + std::to_string(r->next.v) + ": the last batch ends at " + std::to_string(r->reached.v)};
  const auto first = pieces_.begin() + static_cast<std::ptrdiff_t>(run.first), end = first + static_cast<std::ptrdiff_t>(run.n);
  Piece piece;
  piece.base = first->base;
  piece.memory = Buf::allocate(r->bytes.size(), &piece.to);
  std::copy(r->bytes.begin(), r->bytes.end(), piece.to);
  piece.used = r->bytes.size();
  piece.first_append = first->first_append, piece.last_append = (end - 1)->last_append;
  piece.batches = std::move(r->batches);
  *first = std::move(piece);
  pieces_.erase(first + 1, end);
  replacement_.reset();
  return {};
}

void MemoryLog::abort_replacement(uint64_t which) {
  if (replacement_ && replacement_->number == which) replacement_.reset();
}

Status MemoryLog::meta_put(std::span<const ion_field> items) {
  auto after = meta_;
  for (const ion_field& item : items) {
    const std::string_view key = text_of(item.key);
    if (key.empty() || key.size() > kMetaKeyMax) return {ION_E_INVALID, "meta key: wanted 1 to 255 bytes, have " + std::to_string(key.size())};
    if (item.value.p == nullptr) after.erase(std::string(key));
    else after.insert_or_assign(std::string(key), std::vector<uint8_t>(item.value.p, item.value.p + item.value.n));
  }
  uint64_t bytes = 0;
  for (const auto& [key, value] : after) bytes += key.size() + value.size();
  if (bytes > kMetaBytesMax)
    return {ION_E_INVALID, "meta of a log: at most " + std::to_string(kMetaBytesMax) + " bytes of keys and values, this makes " + std::to_string(bytes)};
  meta_ = std::move(after);
  return {};
}

const std::vector<uint8_t>* MemoryLog::meta(std::string_view key) const {
  const auto at = meta_.find(key);
  return at == meta_.end() ? nullptr : &at->second;
}

}  // namespace ion::storage_memory
