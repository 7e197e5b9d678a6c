#include "partition/core/answer_end.h"

#include "partition/core/stored_records.h"

#include <vector>

namespace ion::partition {

namespace {
struct Place {
  uint64_t at = 0;  // in the joined parts
  batch::Header header;
};

// Whether it has a record at its last offset. Not known of a compressed one, nor of one that lies in several parts: no.
bool ends_live(std::span<const ion_buf> parts, const Place& place) {
  const batch::Header& h = place.header;
  if (h.count == 0 || h.codec() != 0) return false;
  uint64_t at = place.at;
  for (const ion_buf& part : parts) {
    if (at >= part.n) {
      at -= part.n;
      continue;
    }
    if (h.total_bytes() > part.n - at) return false;
    StoredRecords records(span_of(part).subspan(at, h.total_bytes()));
    int32_t last = -1;
    while (const StoredRecord* r = records.next()) last = r->offset_delta;
    return last == h.last_offset_delta;
  }
  return false;
}
}  // namespace

AnswerEnd find_answer_end(std::span<const ion_buf> parts) {
  const uint64_t all = bytes_in(parts);
  AnswerEnd end;
  std::vector<Place> behind;  // the batches behind the last one that has every record
  uint32_t with_records = 0;
  bool compressed = false;  // the last one with records
  for (uint64_t at = 0; at + batch::kHeaderBytes <= all;) {
    uint8_t raw[batch::kHeaderBytes];
    copy_out(parts, at, sizeof raw, raw);
    const batch::Header h = batch::read_header(raw);
    if (h.length < static_cast<int32_t>(batch::kHeaderBytes - batch::kLengthEnd) || h.total_bytes() > all - at) break;
    if (h.count > 0) ++with_records, compressed = h.codec() != 0;
    if (h.count == h.last_offset_delta + 1) {
      end = {true, at + h.total_bytes(), h.next_offset(), false};
      behind.clear();
    } else {
      behind.push_back({at, h});
    }
    at += h.total_bytes();
  }
  for (auto place = behind.rbegin(); place != behind.rend(); ++place)
    if (ends_live(parts, *place)) return {true, place->at + place->header.total_bytes(), place->header.next_offset(), false};
  if (!end.live) end.goes_on = compressed && with_records > 1;
  return end;
}

}  // namespace ion::partition
