#include "batches.h"

#include <ion/crc32c.h>

#include <vector>

namespace ion::codecs {
namespace {

// Writes the header of a batch that has `bytes` in all, with this codec; its checksum is not made.
void write_front(uint8_t* p, batch::Header h, Codec codec, uint64_t bytes) {
  h.attributes = static_cast<uint16_t>((h.attributes & ~batch::kCodecMask) | static_cast<uint16_t>(codec));
  h.length = static_cast<int32_t>(bytes - batch::kLengthEnd);
  batch::write_header(p, h);
}

}  // namespace

Result<Buf> open_batch(Decompressor& by, std::span<const ion_buf> parts, const batch::Header& h, Room room) {
  std::vector<ion_buf> records;
  uint64_t skip = batch::kHeaderBytes;
  for (ion_buf part : parts) {
    const uint64_t of_header = std::min(skip, part.n);
    skip -= of_header, part.p += of_header, part.n -= of_header;
    if (part.n != 0) records.push_back(part);
  }
  room.front = batch::kHeaderBytes;
  room.bytes_max = std::min<uint64_t>(room.bytes_max, INT32_MAX - batch::kHeaderBytes);  // a batch has a length of 31 bits
  ION_TRY(Buf opened, by.run(static_cast<Codec>(h.codec()), records, room));
  write_front(const_cast<uint8_t*>(opened.data()), h, Codec::kNone, opened.size());  // ours alone until it is answered
  return opened;
}

Result<Buf> compress_batch(Compressor& by, Codec codec, int level, std::span<const uint8_t> whole) {
  const ion_buf records = borrowed(whole.subspan(batch::kHeaderBytes));
  ION_TRY(Buf made, by.run(codec, {&records, 1}, level, batch::kHeaderBytes));
  if (made.size() >= whole.size()) return Buf();
  auto* p = const_cast<uint8_t*>(made.data());  // ours alone until it is answered
  write_front(p, batch::read_header(whole.data()), codec, made.size());
  batch::store_big<uint32_t>(p + batch::kCrcAt, crc32c::of(made.span().subspan(batch::kCrcFrom)));
  return made;
}

}  // namespace ion::codecs
