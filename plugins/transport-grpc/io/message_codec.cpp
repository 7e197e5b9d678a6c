#include "io/message_codec.h"

#include "core/request_limits.h"
#include "core/wire.h"

#include <codecs/batches.h>
#include <ion/message_id.h>
#include <ion/record_reader.h>

#include <ionstream/v1/produce.pb.h>

#include <algorithm>

namespace ion::transport_grpc {
namespace {

constexpr int64_t kTimeEnd = int64_t{1} << 48;
constexpr uint64_t kOpenedBytesMax = uint64_t{1} << 30;  // the kernel bounds what is stored (limits.decompressed_bytes_max)

void fill(ionstream::v1::StreamMessage& to, const batch::Record& record, const DecodeWish& wish) {
  to.Clear();
  if (record.key) to.set_key(record.key->data(), record.key->size());
  if (record.value) to.set_value(record.value->data(), record.value->size());
  batch::HeaderReader headers(record);
  while (const auto item = headers.next()) {
    ionstream::v1::RecordHeader* header = to.add_headers();
    header->set_key(item->key.data(), item->key.size());
    if (item->value) header->set_value(item->value->data(), item->value->size());
  }
  to.set_timestamp_ms(record.time.ms);
  to.set_partition(wish.partition);
  to.set_offset(record.offset.v);
  to.set_id(message_id::make(record.time, record.offset, {wish.log_id}).text());
}

}  // namespace

struct PlainMessages::Parsed {
  ionstream::v1::ProduceRequest request;
};

PlainMessages::PlainMessages(std::unique_ptr<Parsed> parsed) : parsed_(std::move(parsed)) {}
PlainMessages::PlainMessages(PlainMessages&&) noexcept = default;
PlainMessages::~PlainMessages() = default;

Result<PlainMessages> PlainMessages::parse(std::string_view produce_request) {
  auto parsed = std::make_unique<Parsed>();
  if (!parsed->request.ParseFromArray(produce_request.data(), static_cast<int>(produce_request.size())))
    return Status(ION_E_INVALID, "ProduceRequest: its messages are no StreamMessages", "MALFORMED_MESSAGE");
  const auto count = static_cast<size_t>(parsed->request.messages_size());
  if (count > kMessagesPerRequestMax)
    return Status(ION_E_INVALID, "ProduceRequest: " + std::to_string(count) + " messages, at most " + std::to_string(kMessagesPerRequestMax) +
                                     " are taken in one request");
  for (size_t i = 0; i < count; ++i) {
    const auto& m = parsed->request.messages(static_cast<int>(i));
    if (m.has_timestamp_ms() && (m.timestamp_ms() < 0 || m.timestamp_ms() >= kTimeEnd))
      return Status(ION_E_INVALID, "ProduceRequest: message " + std::to_string(i) + " has timestamp_ms " + std::to_string(m.timestamp_ms()) +
                                       ", want 0 to 2^48 - 1");
  }
  return PlainMessages(std::move(parsed));
}

size_t PlainMessages::size() const { return static_cast<size_t>(parsed_->request.messages_size()); }

std::optional<std::span<const uint8_t>> PlainMessages::key(size_t i) const {
  const auto& m = parsed_->request.messages(static_cast<int>(i));
  if (!m.has_key()) return std::nullopt;
  return span_of(m.key());
}

std::vector<uint8_t> PlainMessages::batch(std::span<const uint32_t> which, WallMs now, const batch::Identity& identity) const {
  batch::RecordWriter writer;
  std::vector<batch::RecordHeader> headers;
  for (const uint32_t i : which) {
    const auto& m = parsed_->request.messages(static_cast<int>(i));
    headers.clear();
    for (const auto& header : m.headers()) {
      headers.push_back({header.key(), std::nullopt});
      if (header.has_value()) headers.back().value = span_of(header.value());
    }
    batch::NewRecord record;
    if (m.has_key()) record.key = span_of(m.key());
    if (m.has_value()) record.value = span_of(m.value());
    record.time = m.has_timestamp_ms() ? WallMs{m.timestamp_ms()} : now;
    record.headers = headers;
    writer.append(record);
  }
  return writer.finish(identity);
}

namespace {

// The whole batch at the front of `batches`, opened if it is compressed.
class BatchAtFront {
 public:
  BatchAtFront(const DecodeWish& wish, OpenedBatch* kept) : wish_(wish), opened_(kept == nullptr ? own_ : *kept) {}

  Result<std::span<const uint8_t>> open(std::string_view batches, const batch::Header& h) {
    if (h.codec() == 0 || h.total_bytes() > batches.size()) return span_of(batches);
    if (opened_.base == h.base_offset.v && opened_.crc == h.crc && !opened_.bytes.empty()) return opened_.bytes.span();
    forget();
    if (!decompressor_) decompressor_.emplace();
    const ion_buf part = borrowed(span_of(batches.substr(0, h.total_bytes())));
    Result<Buf> whole = codecs::open_batch(*decompressor_, {&part, 1}, h, {kOpenedBytesMax, 0, wish_.admit});
    if (!whole && whole.error().code() == ION_E_INVALID) return Status(ION_E_CORRUPT, whole.error().message());
    if (!whole) return whole.error();
    opened_ = {h.base_offset.v, h.crc, *std::move(whole)};
    return opened_.bytes.span();
  }
  void forget() { opened_ = {}; }

 private:
  const DecodeWish& wish_;
  OpenedBatch own_;
  OpenedBatch& opened_;
  std::optional<codecs::Decompressor> decompressor_;  // for the first compressed batch
};

}  // namespace

Result<Decoded> decode_messages(std::string_view batches, const DecodeWish& wish, OpenedBatch* kept) {
  Decoded to;
  to.next_offset = wish.from;
  ionstream::v1::StreamMessage message;
  std::string encoded;
  WireWriter out(to.messages);
  BatchAtFront front(wish, kept);
  while (!batches.empty()) {
    if (batches.size() < batch::kHeaderBytes) return Status(ION_E_CORRUPT, "a record batch ends early");
    const batch::Header stored = batch::read_header(span_of(batches).data());
    if (stored.codec() != 0 && !to.messages.empty() && to.messages.size() >= wish.opened_bytes_max && wish.opened_bytes_max != 0) return to;
    const Result<std::span<const uint8_t>> whole = front.open(batches, stored);
    if (!whole && !to.messages.empty() && whole.error().code() != ION_E_CORRUPT) return to;  // the rest is asked for again
    if (!whole) return whole.error();
    ION_TRY(batch::RecordReader reader, batch::RecordReader::open(*whole));
    to.opened |= stored.codec() != 0;
    const uint64_t bytes_max = to.opened && wish.opened_bytes_max != 0 ? std::min(wish.bytes_max, wish.opened_bytes_max) : wish.bytes_max;
    const bool control = (reader.header().attributes & batch::kControl) != 0;
    for (;;) {
      ION_TRY(const std::optional<batch::Record> record, reader.next());
      if (!record) break;
      if (record->offset.v < wish.from || control) continue;
      fill(message, *record, wish);
      encoded.clear();
      if (!message.AppendToString(&encoded)) return Status(ION_E_INTERNAL, "a record could not be encoded");
      if (!to.messages.empty() && to.messages.size() + encoded.size() > bytes_max) return to;
      out.message(14, encoded);
      to.next_offset = record->offset.v + 1;
    }
    to.next_offset = std::max(to.next_offset, reader.header().next_offset().v);
    batches.remove_prefix(stored.total_bytes());
    front.forget();
  }
  return to;
}

}  // namespace ion::transport_grpc
