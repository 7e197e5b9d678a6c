#include "partition/core/batch_cleaner.h"

#include "partition/core/stored_records.h"

#include <fmt/format.h>
#include <ion/delete_horizon.h>

#include <algorithm>
#include <utility>

namespace ion::partition {

namespace {

Status unreadable(const batch::Header& h, std::string_view why) {
  return {ION_E_CORRUPT, fmt::format("offsets {} to {} cannot be compacted: {}", h.base_offset.v, h.next_offset().v - 1, why)};
}

// The batch without its compression: itself, or in `opened`.
Result<std::span<const uint8_t>> open_stored(std::span<const uint8_t> stored, const batch::Header& h, const CleaningRules& rules, CleaningTools& tools, Buf& opened) {
  if (h.codec() == 0) return stored;
  const ion_buf part = borrowed(stored);
  Result<Buf> made = codecs::open_batch(tools.decompressor, {&part, 1}, h, {rules.opened_bytes_max, 0, {}});
  if (!made) return made.error().code() == ION_E_INVALID ? unreadable(h, made.error().message()) : made.error();
  opened = *std::move(made);
  return opened.span();
}

// A header whose length and checksum are those of `bytes`, which begin with room for it.
void close(std::vector<uint8_t>& bytes, batch::Header& h) {
  h.length = static_cast<int32_t>(bytes.size() - batch::kLengthEnd);
  batch::write_header(bytes.data(), h);
  h.crc = crc32c::of(std::span<const uint8_t>(bytes).subspan(batch::kCrcFrom));
  batch::store_big<uint32_t>(bytes.data() + batch::kCrcAt, h.crc);
}

std::vector<uint8_t> without_records(batch::Header h) {
  std::vector<uint8_t> bytes(batch::kHeaderBytes);
  h.attributes = 0, h.count = 0;
  h.base_time = {0}, h.max_time = batch::kNoTime;
  close(bytes, h);
  return bytes;
}

}  // namespace

NewestBatches::NewestBatches(std::vector<Item> items) : items_(std::move(items)) { std::sort(items_.begin(), items_.end()); }

bool NewestBatches::has(ProducerId producer, Offset base) const noexcept { return std::binary_search(items_.begin(), items_.end(), Item{producer, base}); }

Result<Offset> collect_keys(std::span<const uint8_t> stored, Offset from, const CleaningRules& rules, CleaningTools& tools, KeyOffsets& to) {
  const batch::Header h = batch::read_header(stored.data());
  if (h.count == 0 || h.next_offset() <= from || (h.attributes & batch::kControl) != 0) return h.next_offset();
  Buf opened;
  ION_TRY(const std::span<const uint8_t> whole, open_stored(stored, h, rules, tools, opened));
  StoredRecords records(whole);
  while (const StoredRecord* r = records.next()) {
    const Offset offset = h.base_offset + r->offset_delta;
    if (!r->key || offset < from) continue;
    if (!to.put(digest_of(*r->key, rules.secret), offset)) return offset;
  }
  if (!records.whole()) return unreadable(h, "its records do not fit it");
  return h.next_offset();
}

struct BatchCleaner::Judged {
  std::vector<bool> stays;  // by the order of the records
  int32_t left = 0;
  bool tombstones = false;  // among those that stay
  bool new_horizon = false;
  int64_t min_time = INT64_MAX, max_time = INT64_MIN;  // of those that stay
};

Result<BatchCleaner::Judged> BatchCleaner::judge(std::span<const uint8_t> whole) {
  const batch::Header h = batch::read_header(whole.data());
  Judged judged;
  judged.stays.reserve(static_cast<size_t>(h.count));
  uint64_t dead = 0;
  StoredRecords records(whole);
  while (const StoredRecord* r = records.next()) {
    const Offset offset = h.base_offset + r->offset_delta;
    bool stays = offset >= rules_.upto;
    if (!stays && r->key) {
      const std::optional<Offset> newest = newest_.size() == 0 ? std::nullopt : newest_.find(digest_of(*r->key, rules_.secret));
      stays = !newest || *newest <= offset;
      if (stays && r->tombstone && batch::has_delete_horizon(h) && h.base_time <= rules_.now) stays = false, ++dead;
    }
    judged.stays.push_back(stays);
    if (!stays) continue;
    ++judged.left;
    judged.tombstones |= r->tombstone;
    judged.min_time = std::min(judged.min_time, h.base_time.ms + r->time_delta);
    judged.max_time = std::max(judged.max_time, h.base_time.ms + r->time_delta);
  }
  if (!records.whole()) return unreadable(h, "its records do not fit it");
  judged.new_horizon = judged.tombstones && !batch::has_delete_horizon(h) && h.next_offset() <= rules_.upto;
  counts_.records += judged.stays.size(), counts_.removed += judged.stays.size() - static_cast<size_t>(judged.left), counts_.tombstones_removed += dead;
  return judged;
}

Status BatchCleaner::clean(std::span<const uint8_t> stored, std::vector<Out>& out) {
  const batch::Header h = batch::read_header(stored.data());
  counts_.bytes_in += stored.size();
  epoch_ = std::max(epoch_, h.leader_epoch);
  const bool untouched = (h.attributes & batch::kControl) != 0 || h.base_offset >= rules_.upto;
  if (untouched || (h.count == 0 && producers_.has(h.producer, h.base_offset))) return put({h, stored, {}}, out), Status();
  if (h.count == 0) return leave_out(stored, h), Status();
  Buf opened;
  ION_TRY(const std::span<const uint8_t> whole, open_stored(stored, h, rules_, tools_, opened));
  ION_TRY(const Judged judged, judge(whole));
  if (judged.left == 0 && !producers_.has(h.producer, h.base_offset)) return leave_out(stored, h), Status();
  if (judged.tombstones && h.next_offset() <= rules_.upto) note_horizon(judged.new_horizon ? rules_.horizon : h.base_time);
  if (judged.left == h.count && !judged.new_horizon) return put({h, stored, {}}, out), Status();
  changed_ = true;
  std::vector<uint8_t> made = judged.left == 0 ? without_records(h) : rebuild(whole, h, judged);
  const batch::Header after = batch::read_header(made.data());
  put({after, {}, std::move(made)}, out);
  return {};
}

std::vector<uint8_t> BatchCleaner::rebuild(std::span<const uint8_t> whole, const batch::Header& stored, const Judged& judged) {
  batch::Header h = stored;
  h.attributes = static_cast<uint16_t>(h.attributes & ~(batch::kCodecMask | batch::kDeleteHorizon));
  h.count = judged.left;
  if (judged.tombstones && (judged.new_horizon || batch::has_delete_horizon(stored))) {
    h.attributes |= batch::kDeleteHorizon;
    if (judged.new_horizon) h.base_time = rules_.horizon;
  } else if (batch::has_delete_horizon(stored) || stored.base_time.ms < 0) {
    h.base_time = {std::max<int64_t>(0, judged.min_time)};  // some readers take a base time below 0 for one long ago
  }
  if ((h.attributes & batch::kLogAppendTime) == 0) h.max_time = {judged.max_time};
  std::vector<uint8_t> bytes(batch::kHeaderBytes);
  bytes.reserve(whole.size() + 8);
  const int64_t shift = stored.base_time.ms - h.base_time.ms;
  StoredRecords records(whole);
  for (const bool stays : judged.stays) {
    const StoredRecord& r = *records.next();
    if (!stays) continue;
    if (shift == 0) bytes.insert(bytes.end(), r.encoded.begin(), r.encoded.end());
    else append_with(r, r.time_delta + shift, bytes);
  }
  close(bytes, h);
  if (stored.codec() == 0) return bytes;
  const Result<Buf> packed = codecs::compress_batch(tools_.compressor, static_cast<codecs::Codec>(stored.codec()), codecs::kDefaultLevel, bytes);
  if (packed && !packed->empty()) bytes.assign(packed->data(), packed->data() + packed->size());
  return bytes;
}

// The batch goes: its offsets become part of the run behind what is covered.
void BatchCleaner::leave_out(std::span<const uint8_t> stored, const batch::Header& h) {
  const bool is_cover = h.count == 0 && !h.idempotent();
  if (is_cover && lone_.empty() && covered_ == h.base_offset) return lone_.assign(stored.begin(), stored.end());
  lone_.clear();
  changed_ = true;
}

void BatchCleaner::put(Out next, std::vector<Out>& out) {
  cover(next.header.base_offset, out);
  covered_ = next.header.next_offset();
  counts_.bytes_out += next.bytes().size();
  out.push_back(std::move(next));
}

void BatchCleaner::cover(Offset upto, std::vector<Out>& out) {
  if (!lone_.empty()) {
    const batch::Header h = batch::read_header(lone_.data());
    if (h.next_offset() == upto) {
      counts_.bytes_out += lone_.size();
      out.push_back({h, {}, std::exchange(lone_, {})});
      covered_ = upto;
      return;
    }
    lone_.clear();
  }
  while (covered_ < upto) {
    changed_ = true;
    batch::Header h;
    h.base_offset = covered_;
    h.leader_epoch = epoch_;
    h.last_offset_delta = static_cast<int32_t>(std::min<int64_t>(upto - covered_, INT32_MAX) - 1);
    std::vector<uint8_t> bytes = without_records(h);
    h = batch::read_header(bytes.data());
    covered_ = h.next_offset();
    counts_.bytes_out += bytes.size();
    out.push_back({h, {}, std::move(bytes)});
  }
}

void BatchCleaner::finish(Offset next, std::vector<Out>& out) { cover(next, out); }

}  // namespace ion::partition
