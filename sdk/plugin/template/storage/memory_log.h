// One log in memory: record batches in pieces, of which the last one may be open. Every promise of ion.storage/1 about offsets is kept
// here. A batch lies in counted memory of its own that never changes, so what a reader was given stays valid whatever is cut.
// Thread: one at a time; the owner locks.
#pragma once
#include <ion/abi/contract/storage.h>
#include <ion/record_batch.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace memory_storage {

class MemoryLog {
 public:
  explicit MemoryLog(uint64_t piece_bytes) : piece_bytes_(piece_bytes) {}

  // All of them or none; answers next.
  ion::Result<ion::Offset> append(std::span<const ion_batch> batches, ion::WallMs now) {
    if (batches.empty()) return next_;
    ION_CHECK(check(batches));
    uint64_t total = 0;
    for (const ion_batch& b : batches) total += ion::bytes_in({b.parts, b.nparts});
    last_append_ = std::max(last_append_, now);  // a clock that is set back makes nothing older
    if (!open_ || pieces_.back().bytes + total > piece_bytes_) pieces_.push_back({{}, 0, last_append_, last_append_});
    open_ = true;
    Piece& piece = pieces_.back();
    piece.last_append = last_append_, piece.bytes += total;
    for (const ion_batch& b : batches) {
      uint8_t* to = nullptr;
      const uint64_t n = ion::bytes_in({b.parts, b.nparts});
      ion::Buf bytes = ion::Buf::allocate(n, &to);
      ion::copy_out({b.parts, b.nparts}, 0, n, to);
      const bool has_records = ion::batch::read_header(to).count > 0;
      piece.batches.push_back({{b.base}, {b.next}, {b.time_max_ms}, has_records, std::move(bytes)});
      next_ = {b.next};
    }
    return next_;
  }

  struct Found {
    ion::Bufs bufs;
    ion::Offset base, next;
  };
  // Whole batches from the one that holds `from`, or the next; none that ends above upto; at least one, even above bytes_max.
  ion::Result<Found> read(ion::Offset from, ion::Offset upto, uint64_t bytes_max) const {
    if (from < first_ || from > next_)
      return ion::Status(ION_E_OUT_OF_RANGE, "offset " + std::to_string(from.v) + " is outside of the log, which is [" + std::to_string(first_.v) +
                                                 ", " + std::to_string(next_.v) + ")");
    Found found{{}, from, from};
    uint64_t bytes = 0;
    for (const Piece& piece : pieces_)
      for (const Batch& b : piece.batches) {
        if (b.next <= from) continue;
        if (b.next > upto || found.bufs.size() == kBuffersMax || (!found.bufs.empty() && bytes + b.bytes.size() > bytes_max)) return found;
        if (found.bufs.empty()) found.base = b.base;
        found.next = b.next, bytes += b.bytes.size();
        found.bufs.push_back(b.bytes.clone());
      }
    return found;
  }

  struct AtTime {
    ion::Offset base;
    ion::WallMs time;
  };
  // The first batch that ends above `from`, has records, and whose greatest record time is `time` or later.
  ion::Result<AtTime> find_time(ion::Offset from, ion::WallMs time) const {
    for (const Piece& piece : pieces_)
      for (const Batch& b : piece.batches)
        if (b.next > std::max(from, first_) && b.has_records && b.time_max >= time) return AtTime{b.base, b.time_max};
    return ion::Status(ION_E_NOT_FOUND, "the log has no record at or after " + std::to_string(time.ms) + " ms");
  }

  // The log ends with the last batch that ends at or below `from`; a batch that reaches over it goes whole.
  ion::Status truncate_suffix(ion::Offset from) {
    if (from < first_) return {ION_E_OUT_OF_RANGE, "truncation at " + std::to_string(from.v) + ": the log begins at " + std::to_string(first_.v)};
    if (from >= next_) return {};
    while (!pieces_.empty()) {
      Piece& last = pieces_.back();
      for (; !last.batches.empty() && last.batches.back().next > from; last.batches.pop_back()) last.bytes -= last.batches.back().bytes.size();
      if (!last.batches.empty()) break;
      pieces_.pop_back();
    }
    next_ = pieces_.empty() ? first_ : std::max(first_, pieces_.back().batches.back().next);
    open_ = false;
    return {};
  }
  // The log begins exactly at `before`; at or beyond its end it becomes empty and goes on there. It never goes back.
  void truncate_prefix(ion::Offset before) {
    if (before <= first_) return;
    first_ = before;
    if (before >= next_) pieces_.clear(), next_ = before, open_ = false;
    std::erase_if(pieces_, [&](const Piece& p) { return p.batches.back().next <= before; });
  }
  void seal() { open_ = false; }
  void set_piece_bytes(uint64_t n) { piece_bytes_ = n; }

  ion::Offset first() const { return first_; }
  ion::Offset next() const { return next_; }
  ion::Offset sealed() const { return open_ ? std::max(first_, pieces_.back().batches.front().base) : next_; }
  ion::WallMs last_append() const { return last_append_; }  // -1: none yet
  ion::WallMs active_since() const { return open_ ? pieces_.back().first_append : ion::WallMs{-1}; }
  uint64_t bytes() const {
    uint64_t n = 0;
    for (const Piece& p : pieces_) n += p.bytes;
    return n;
  }
  // The closed pieces that end above `from`.
  std::vector<ion_range> ranges(ion::Offset from, size_t cap) const {
    std::vector<ion_range> found;
    for (size_t i = 0; i + (open_ ? 1 : 0) < pieces_.size() && found.size() < cap; ++i) {
      const Piece& p = pieces_[i];
      if (p.batches.back().next <= from) continue;
      int64_t time_max = -1;
      for (const Batch& b : p.batches) time_max = std::max(time_max, b.time_max.ms);
      found.push_back({std::max(first_, p.batches.front().base).v, p.batches.back().next.v, p.bytes, time_max, p.last_append.ms});
    }
    return found;
  }

  // Small values by name: all items or none. A value that points nowhere deletes.
  ion::Status meta_put(std::span<const ion_field> items) {
    auto after = meta_;
    for (const ion_field& item : items) {
      const std::string key(ion::text_of(item.key));
      if (key.empty() || key.size() > kMetaKeyMax) return {ION_E_INVALID, "meta key: wanted 1 to 255 bytes, have " + std::to_string(key.size())};
      if (item.value.p == nullptr) after.erase(key);
      else after.insert_or_assign(key, std::string(ion::text_of(item.value)));
    }
    uint64_t total = 0;
    for (const auto& [key, value] : after) total += key.size() + value.size();
    if (total > kMetaBytesMax) return {ION_E_INVALID, "meta of a log: wanted at most 65536 bytes, have " + std::to_string(total)};
    meta_ = std::move(after);
    return {};
  }
  const std::string* meta(std::string_view key) const {  // null: there is none
    const auto at = meta_.find(key);
    return at == meta_.end() ? nullptr : &at->second;
  }

 private:
  static constexpr size_t kBuffersMax = 16, kMetaKeyMax = 255, kMetaBytesMax = 64 << 10;
  struct Batch {
    ion::Offset base, next;
    ion::WallMs time_max;
    bool has_records;
    ion::Buf bytes;
  };
  struct Piece {
    std::vector<Batch> batches;  // never empty
    uint64_t bytes = 0;
    ion::WallMs first_append, last_append;
  };
  // The descriptor of a batch must say what its bytes say. Their CRC was checked by the broker.
  ion::Status check(std::span<const ion_batch> batches) const {
    ion::Offset next = next_;
    for (const ion_batch& b : batches) {
      const std::string which = "batch [" + std::to_string(b.base) + ", " + std::to_string(b.next) + "): ";
      const uint64_t have = ion::bytes_in({b.parts, b.nparts});
      if (have < ion::batch::kHeaderBytes) return {ION_E_INVALID, which + "has " + std::to_string(have) + " bytes, wanted at least 61"};
      uint8_t raw[ion::batch::kHeaderBytes];
      ion::copy_out({b.parts, b.nparts}, 0, sizeof raw, raw);
      const ion::batch::Header h = ion::batch::read_header(raw);
      if (h.magic != ion::batch::kMagic || h.length <= 0 || h.total_bytes() != have || h.last_offset_delta < 0)
        return {ION_E_INVALID, which + "its header does not fit its bytes"};
      if (h.base_offset.v != b.base || h.next_offset().v != b.next || h.leader_epoch.v != b.epoch)
        return {ION_E_INVALID, which + "base, next or epoch differ from its header"};
      if (b.base < next.v) return {ION_E_INVALID, which + "begins below the log's next, " + std::to_string(next.v)};
      next = {b.next};
    }
    return {};
  }

  uint64_t piece_bytes_;
  ion::Offset first_, next_;
  ion::WallMs last_append_{-1};
  std::vector<Piece> pieces_;
  bool open_ = false;  // the last piece takes more
  std::map<std::string, std::string, std::less<>> meta_;
};

}  // namespace memory_storage
