#include "pipeline/message_view.h"

#include <ion/record_writer.h>

namespace ion::pipeline {

namespace {
MessageView& view_of(ion_msg* m) { return *reinterpret_cast<MessageView*>(m); }
ion_bytes field_of(const std::optional<std::vector<uint8_t>>& f) {
  static constexpr uint8_t kNothing = 0;
  if (!f) return {nullptr, 0};
  return {f->empty() ? &kNothing : f->data(), f->size()};  // empty is not absent
}
std::optional<std::vector<uint8_t>> kept(ion_bytes b) {
  if (b.p == nullptr) return std::nullopt;
  return std::vector<uint8_t>(b.p, b.p + b.n);
}
}  // namespace

MessageView::Item MessageView::to_item(const batch::Record& r, Offset base) {
  Item item;
  item.offset_delta = static_cast<int32_t>(r.offset - base);
  item.time = r.time;
  if (r.key) item.key.emplace(r.key->begin(), r.key->end());
  if (r.value) item.value.emplace(r.value->begin(), r.value->end());
  batch::HeaderReader headers(r);
  while (auto h = headers.next()) {
    auto& [key, value] = item.headers.emplace_back(std::string(h->key), std::nullopt);
    if (h->value) value.emplace(h->value->begin(), h->value->end());
  }
  return item;
}

Status MessageView::decode() {
  if (decoded_) return {};
  joined_.resize(bytes_in(batch_.parts));
  copy_out(batch_.parts, 0, joined_.size(), joined_.data());
  ION_TRY(auto reader, batch::RecordReader::open(joined_));
  for (;;) {
    ION_TRY(const std::optional<batch::Record> r, reader.next());
    if (!r) break;
    items_.push_back(to_item(*r, reader.header().base_offset));
  }
  decoded_ = true;
  return {};
}

std::vector<uint8_t> MessageView::encode() const {
  batch::RecordWriter writer(joined_.size());
  writer.set_base_time(batch_.header.base_time);
  for (const Item& item : items_) {
    if (item.dropped) continue;
    std::vector<batch::RecordHeader> headers;
    for (const auto& [key, value] : item.headers) {
      batch::RecordHeader& header = headers.emplace_back(batch::RecordHeader{key, std::nullopt});
      if (value) header.value = std::span<const uint8_t>(*value);
    }
    batch::NewRecord r;
    if (item.key) r.key = std::span<const uint8_t>(*item.key);
    if (item.value) r.value = std::span<const uint8_t>(*item.value);
    r.time = item.time;
    r.headers = headers;
    writer.append_at(r, item.offset_delta);
  }
  if (writer.empty()) return {};
  return writer.finish_as(batch_.header);
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

ion_status MessageView::record(uint32_t i, ion_record* out) {
  if (!decoded_) return ION_E_UNSUPPORTED;  // the interceptor did not say that it needs records
  if (i >= items_.size()) return ION_E_OUT_OF_RANGE;
  Item& item = items_[i];
  if (item.dropped) return ION_E_NOT_FOUND;
  item.fields.clear();
  for (const auto& [key, value] : item.headers) item.fields.push_back({bytes_of(key), field_of(value)});
  out->offset = item.offset_delta;
  out->time_ms = item.time.ms;
  out->key = field_of(item.key);
  out->value = field_of(item.value);
  out->headers = item.fields.data();
  out->nheaders = static_cast<uint32_t>(item.fields.size());
  return ION_OK;
}

ion_status MessageView::edit(uint32_t i, const ion_record* with) {
  if (!decoded_) return ION_E_UNSUPPORTED;
  if (i >= items_.size()) return ION_E_OUT_OF_RANGE;
  Item& item = items_[i];
  edited_ = true;
  if (with == nullptr) {
    item.dropped = true;
    return ION_OK;
  }
  Item next;
  next.offset_delta = item.offset_delta;
  next.time = item.time;
  next.key = kept(with->key);
  next.value = kept(with->value);
  for (uint32_t h = 0; h < with->nheaders; ++h)
    next.headers.emplace_back(std::string(text_of(with->headers[h].key)), kept(with->headers[h].value));
  item = std::move(next);
  return ION_OK;
}

const ion_msg_api* MessageView::api() noexcept {
  static constexpr ion_msg_api kApi{
      sizeof(ion_msg_api),
      0,
      [](ion_msg* m, uint32_t what, ion_bytes* out) noexcept -> ion_status { return view_of(m).attribute(what, out); },
      [](ion_msg* m) noexcept -> uint32_t {
        const MessageView& v = view_of(m);
        return v.decoded_ ? static_cast<uint32_t>(v.items_.size()) : static_cast<uint32_t>(v.batch_.header.count);
      },
      [](ion_msg* m, uint32_t i, ion_record* out) noexcept -> ion_status { return view_of(m).record(i, out); },
      [](ion_msg* m, uint32_t i, const ion_record* with) noexcept -> ion_status { return view_of(m).edit(i, with); },
      [](ion_msg* m, ion_bytes topic, int32_t partition) noexcept -> ion_status {
        view_of(m).routed.emplace(text_of(topic), partition);
        return ION_OK;
      },
      [](ion_msg* m, ion_status code, ion_bytes text) noexcept { view_of(m).reason = Status(to_code(code), std::string(text_of(text))); },
      [](ion_msg* m, int32_t verdict) noexcept -> ion_status {
        auto resume = std::exchange(view_of(m).resume, nullptr);
        return resume ? resume(verdict) : static_cast<ion_status>(ION_E_INVALID);
      },
  };
  return &kApi;
}

}  // namespace ion::pipeline
