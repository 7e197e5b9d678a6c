#include <codecs/batches.h>
#include <ion/client/reader.h>

namespace ion::client {

namespace {
constexpr uint64_t kOpenedBytesMax = uint64_t{1} << 30;  // no broker takes more (limits.decompressed_bytes_max)
}

Result<std::optional<batch::Record>> RecordSet::next() {
  for (;;) {
    if (!open_) {
      if (at_ == bytes_.size()) return std::optional<batch::Record>();
      ION_CHECK(open_batch());
      continue;
    }
    ION_TRY(std::optional<batch::Record> record, open_->next());
    if (!record) {
      open_.reset();
      continue;
    }
    if (record->offset < range_.from) continue;
    if (record->offset >= range_.until) {
      open_.reset();
      at_ = bytes_.size();
      continue;
    }
    return record;
  }
}

// Opens the batch at at_. Batches without records for the user (transaction marks, wholly below the range) are passed over.
Status RecordSet::open_batch() {
  const std::span<const uint8_t> rest = bytes_.span().subspan(at_);
  if (rest.size() < batch::kHeaderBytes)
    return {ION_E_CORRUPT, "the broker sent " + std::to_string(rest.size()) + " bytes where a record batch should begin", "DATA_LOSS"};
  const batch::Header h = batch::read_header(rest.data());
  if (h.length < static_cast<int32_t>(batch::kHeaderBytes - batch::kLengthEnd) || h.total_bytes() > rest.size())
    return {ION_E_CORRUPT, "the broker sent a record batch of " + std::to_string(h.length) + " bytes, " + std::to_string(rest.size()) + " are there", "DATA_LOSS"};
  const auto whole = rest.first(h.total_bytes());
  at_ += whole.size();
  if (h.next_offset() <= range_.from) return {};
  const uint32_t crc = crc32c::of(whole.subspan(batch::kCrcFrom));
  if (crc != h.crc || h.magic != batch::kMagic)
    return {ION_E_CORRUPT, "the record batch at offset " + std::to_string(h.base_offset.v) + " does not prove itself: its checksum is " +
                               std::to_string(crc) + ", its header says " + std::to_string(h.crc), "DATA_LOSS"};
  if ((h.attributes & batch::kControl) != 0) return {};
  header_ = h;
  if (h.codec() == 0) {
    ION_TRY(open_, batch::RecordReader::open(whole));
    return {};
  }
  if (decompressor_ == nullptr) decompressor_ = std::make_shared<codecs::Decompressor>();
  const ion_buf part = borrowed(whole);
  Result<Buf> opened = codecs::open_batch(*decompressor_, {&part, 1}, h, {kOpenedBytesMax, 0, {}});
  if (!opened && opened.error().code() != ION_E_INVALID) return opened.error();
  if (!opened) return {ION_E_CORRUPT, "the record batch at offset " + std::to_string(h.base_offset.v) + " cannot be opened: " + opened.error().message(), "DATA_LOSS"};
  opened_ = *std::move(opened);
  ION_TRY(open_, batch::RecordReader::open(opened_.span()));
  return {};
}

}  // namespace ion::client
