#include "pipeline/message_view.h"

#include <ion/bridge/crossing.h>
#include <ion/record_writer.h>

#include <algorithm>
#include <cstring>

namespace ion::pipeline {

namespace {

MessageView& view_of(ion_msg* m) { return *reinterpret_cast<MessageView*>(m); }

constexpr uint32_t kRecordSizeMin = offsetof(ion_record, headers) + sizeof(const ion_field*);  // of the first revision: it has these fields
constexpr uint8_t kNothing = 0;
ion_bytes field_of(const std::optional<std::span<const uint8_t>>& f) {
  if (!f) return {nullptr, 0};
  return {f->empty() ? &kNothing : f->data(), f->size()};  // empty is not absent
}

void put_varint(int64_t value, std::vector<uint8_t>& to) {
  uint64_t v = batch::zigzag(value);
  for (; v >= 0x80; v >>= 7) to.push_back(static_cast<uint8_t>(v | 0x80));
  to.push_back(static_cast<uint8_t>(v));
}
void put_field(ion_bytes f, std::vector<uint8_t>& to) {
  put_varint(f.p == nullptr ? -1 : static_cast<int64_t>(f.n), to);
  if (f.p != nullptr) to.insert(to.end(), f.p, f.p + f.n);
}

// Length, header and checksum of a batch whose records stand in `bytes`.
void close_batch(batch::Header h, std::vector<uint8_t>& bytes) {
  h.length = static_cast<int32_t>(bytes.size() - batch::kLengthEnd);
  batch::write_header(bytes.data(), h);
  batch::store_big<uint32_t>(bytes.data() + batch::kCrcAt, crc32c::of(std::span<const uint8_t>(bytes).subspan(batch::kCrcFrom)));
}

}  // namespace

uint64_t MessageView::decode_bytes() const noexcept {
  if (decoded_) return 0;
  const uint64_t items = static_cast<uint64_t>(batch_.header.count) * sizeof(Item);
  if (!batch_.opened.empty()) return items;
  return items + (batch_.parts.size() == 1 && batch_.parts.front().ops != nullptr ? 0 : batch_.header.total_bytes());
}

Status MessageView::decode() {
  if (decoded_) return {};
  if (!batch_.opened.empty()) {
    bytes_ = batch_.opened.clone();
  } else if (batch_.parts.size() == 1) {
    bytes_ = Buf::share(batch_.parts.front());
  } else {
    uint8_t* to = nullptr;
    bytes_ = Buf::allocate(batch_.header.total_bytes(), &to);
    copy_out(batch_.parts, 0, batch_.header.total_bytes(), to);
  }
  ION_TRY(auto reader, batch::RecordReader::open(bytes_.span()));
  items_.reserve(static_cast<size_t>(batch_.header.count));
  const uint8_t* at = bytes_.data() + batch::kHeaderBytes;
  for (;;) {
    ION_TRY(const std::optional<batch::Record> r, reader.next());
    if (!r) break;
    Item item;
    item.offset_delta = static_cast<int32_t>(r->offset - reader.header().base_offset);
    item.time = r->time;
    item.key = r->key, item.value = r->value;
    item.encoded_headers = r->headers;  // they end where the record ends
    item.header_count = static_cast<uint32_t>(r->header_count);
    const uint8_t* const end = r->headers.data() + r->headers.size();
    item.encoded = {at, end};
    at = end;
    items_.push_back(item);
  }
  decoded_ = true;
  return {};
}

void MessageView::next_interceptor() {
  std::erase_if(items_, [](const Item& item) { return item.gone; });
  if (!reason.ok() || !reason.message().empty()) reason = Status();
  if (!misused.ok()) misused = Status();
  rejected_record.reset();
}

int32_t MessageView::records_left() const noexcept {
  if (all_gone_) return 0;
  if (!decoded_) return batch_.header.count;
  return static_cast<int32_t>(std::count_if(items_.begin(), items_.end(), [](const Item& item) { return !item.gone; }));
}

void MessageView::drop_all() {
  edited_ = all_gone_ = true;
  if (decoded_) {
    for (Item& item : items_)
      if (!std::exchange(item.gone, true)) outcomes.push_back({item.offset_delta, {}});
  } else {
    for (int32_t i = 0; i < batch_.header.count; ++i) outcomes.push_back({i, {}});
  }
}

void MessageView::forget() {
  items_ = {};
  edits_.release();
  bytes_ = Buf();
  batch_ = BatchInFlight();
  outcomes = {};
  routed.reset();
  decoded_ = all_gone_ = true;
}

std::vector<uint8_t> MessageView::without_records(batch::Header h) {
  std::vector<uint8_t> bytes(batch::kHeaderBytes);
  h.count = 0;
  h.attributes = static_cast<uint16_t>(h.attributes & ~batch::kCodecMask);
  close_batch(h, bytes);
  return bytes;
}

std::vector<uint8_t> MessageView::encode(bool for_other_log) const {
  batch::Header h = batch_.header;
  if (for_other_log) h.producer = {-1}, h.producer_epoch = {-1}, h.base_sequence = -1;
  if (all_gone_) return without_records(h);
  std::vector<uint8_t> bytes(batch::kHeaderBytes);
  if (!decoded_) {
    bytes.resize(h.total_bytes());
    copy_out(batch_.parts, 0, bytes.size(), bytes.data());
  } else {
    bytes.reserve(bytes_.size());
    h.count = 0;
    h.attributes = static_cast<uint16_t>(h.attributes & ~batch::kCodecMask);
    for (const Item& item : items_) {
      if (item.gone) continue;
      if (item.encoded.empty()) append_encoded(item, h.base_time, bytes);
      else bytes.insert(bytes.end(), item.encoded.begin(), item.encoded.end());
      ++h.count;
    }
  }
  close_batch(h, bytes);
  return bytes;
}

void MessageView::append_encoded(const Item& item, WallMs base, std::vector<uint8_t>& to) {
  std::vector<uint8_t> body{0};  // attributes, unused
  put_varint(item.time.ms - base.ms, body);
  put_varint(item.offset_delta, body);
  put_field(field_of(item.key), body);
  put_field(field_of(item.value), body);
  put_varint(item.header_count, body);
  for (uint32_t h = 0; h < item.header_count; ++h) {
    put_varint(static_cast<int64_t>(item.headers[h].key.n), body);
    body.insert(body.end(), item.headers[h].key.p, item.headers[h].key.p + item.headers[h].key.n);
    put_field(item.headers[h].value, body);
  }
  put_varint(static_cast<int64_t>(body.size()), to);
  to.insert(to.end(), body.begin(), body.end());
}

ion_status MessageView::attribute(uint32_t what, ion_bytes* out) {
  switch (what) {
    case ION_MSG_TOPIC: *out = bytes_of(batch_.topic); return ION_OK;
    case ION_MSG_PARTITION:
      partition_text_ = std::to_string(batch_.partition);
      *out = bytes_of(partition_text_);
      return ION_OK;
    case ION_MSG_PRINCIPAL: *out = bytes_of(batch_.principal); return ION_OK;
    case ION_MSG_CLIENT_ID: *out = bytes_of(batch_.client_id); return ION_OK;
    case ION_MSG_ADDRESS: *out = bytes_of(batch_.address); return ION_OK;
    default: return ION_E_UNSUPPORTED;
  }
}

void MessageView::decode_headers(Item& item) {
  if (item.headers != nullptr || item.header_count == 0) return;
  auto* fields = static_cast<ion_field*>(edits_.allocate(item.header_count * sizeof(ion_field), alignof(ion_field)));
  batch::Record encoded;
  encoded.headers = item.encoded_headers, encoded.header_count = static_cast<int32_t>(item.header_count);
  batch::HeaderReader reader(encoded);
  for (uint32_t i = 0; i < item.header_count; ++i) {
    const auto h = reader.next();
    fields[i] = h ? ion_field{bytes_of(h->key), field_of(h->value)} : ion_field{};
  }
  item.headers = fields;
}

// The interceptor did not say that it needs records. Telling only itself would let everything pass that it means to look at.
ion_status MessageView::not_decoded() {
  misused = Status(ION_E_UNSUPPORTED, "it asked for records, and its `needs` lack ION_NEED_RECORDS");
  return ION_E_UNSUPPORTED;
}

ion_status MessageView::record(uint32_t i, ion_record* out) {
  if (!decoded_) return not_decoded();
  if (out->size < kRecordSizeMin) return ION_E_INVALID;
  if (i >= items_.size()) return ION_E_OUT_OF_RANGE;
  Item& item = items_[i];
  if (item.gone) return ION_E_NOT_FOUND;
  decode_headers(item);
  bridge::give(out, {sizeof(ion_record), item.header_count, item.offset_delta, item.time.ms, field_of(item.key), field_of(item.value), item.headers});
  return ION_OK;
}

std::span<const uint8_t> MessageView::keep(ion_bytes bytes) {
  auto* to = static_cast<uint8_t*>(edits_.allocate(bytes.n + 1, 1));  // never null, also when empty
  if (bytes.n != 0) std::memcpy(to, bytes.p, bytes.n);
  return {to, bytes.n};
}

ion_status MessageView::edit(uint32_t i, const ion_record* by) {
  if (by == nullptr) return take_out(i, {});
  if (!decoded_) return not_decoded();
  // A plugin that does not look at the answer must not pass on what it meant to change.
  if (i >= items_.size()) {
    misused = Status(ION_E_OUT_OF_RANGE, "it edited at " + std::to_string(i) + ", and `count` is " + std::to_string(items_.size()));
    return ION_E_OUT_OF_RANGE;
  }
  if (by->size < kRecordSizeMin) {
    misused = Status(ION_E_INVALID, "its edit of record " + std::to_string(items_[i].offset_delta) + " of the batch has size " + std::to_string(by->size) +
                                        ": an ion_record begins with its size, " + std::to_string(sizeof(ion_record)));
    return ION_E_INVALID;
  }
  if (items_[i].gone) return ION_E_NOT_FOUND;
  const ion_record with = bridge::take(by);
  Item next;
  next.offset_delta = items_[i].offset_delta;
  next.time = items_[i].time;
  if (with.key.p != nullptr) next.key = keep(with.key);
  if (with.value.p != nullptr) next.value = keep(with.value);
  next.header_count = with.nheaders;
  if (with.nheaders != 0) {
    auto* fields = static_cast<ion_field*>(edits_.allocate(with.nheaders * sizeof(ion_field), alignof(ion_field)));
    for (uint32_t h = 0; h < with.nheaders; ++h) {
      const ion_field& from = with.headers[h];
      const auto key = keep(from.key);
      fields[h] = {{key.data(), key.size()}, {}};
      if (from.value.p != nullptr) fields[h].value = {keep(from.value).data(), from.value.n};
    }
    next.headers = fields;
  }
  items_[i] = next;
  edited_ = true;
  return ION_OK;
}

ion_status MessageView::take_out(uint32_t i, Status why) {
  if (!decoded_) return not_decoded();
  if (i >= items_.size()) return ION_E_OUT_OF_RANGE;
  if (std::exchange(items_[i].gone, true)) return ION_E_NOT_FOUND;
  outcomes.push_back({items_[i].offset_delta, std::move(why)});
  edited_ = true;
  return ION_OK;
}

ion_status MessageView::reject_record(uint32_t i, Status why) {
  const ion_status done = take_out(i, why);
  if (done == ION_OK && !rejected_record)
    rejected_record = std::move(why);
  return done;
}

const ion_msg_api* MessageView::api() noexcept {
  static constexpr ion_msg_api kApi{
      sizeof(ion_msg_api),
      0,
      [](ion_msg* m, uint32_t what, ion_bytes* out) noexcept -> ion_status { return view_of(m).attribute(what, out); },
      [](ion_msg* m) noexcept -> uint32_t { return view_of(m).count(); },
      [](ion_msg* m, uint32_t i, ion_record* out) noexcept -> ion_status { return view_of(m).record(i, out); },
      [](ion_msg* m, uint32_t i, const ion_record* with) noexcept -> ion_status { return view_of(m).edit(i, with); },
      [](ion_msg* m, ion_bytes topic, int32_t partition) noexcept -> ion_status {
        if (topic.n == 0) return ION_E_INVALID;
        view_of(m).routed.emplace(text_of(topic), partition);
        return ION_OK;
      },
      [](ion_msg* m, ion_status code, ion_bytes text) noexcept { view_of(m).reason = Status(to_code(code), std::string(text_of(text))); },
      [](ion_msg* m, int32_t verdict) noexcept -> ion_status {
        MessageView& v = view_of(m);
        return v.resume ? v.resume(verdict) : static_cast<ion_status>(ION_E_INVALID);
      },
      [](ion_msg* m, uint32_t i, ion_status code, ion_bytes text) noexcept -> ion_status {
        return view_of(m).reject_record(i, Status(code < 0 ? to_code(code) : ION_E_REJECTED, std::string(text_of(text))));
      },
  };
  return &kApi;
}

}  // namespace ion::pipeline
