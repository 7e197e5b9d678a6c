#include "codecs.h"
#include "each_codec.h"
#include "output.h"

#include <snappy-sinksource.h>
#include <snappy.h>

namespace ion::codecs {
namespace {

constexpr std::string_view kName = "snappy";

// The stream of snappy-java: this head, a version and the oldest version that reads it (4 bytes each), then blocks, each behind its
// length (4 bytes, big-endian).
constexpr uint8_t kXerialMagic[] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
constexpr uint64_t kXerialHead = sizeof kXerialMagic + 8;
constexpr uint32_t kXerialVersion = 1;
// A copy of 64 bytes takes three: a block that promises more than this for each of its bytes does not keep the promise.
constexpr uint64_t kRatioMax = 32;

// Shows a stretch of several parts to the library.
class PartsSource final : public ::snappy::Source {
 public:
  PartsSource(Parts parts, uint64_t at, uint64_t n) : parts_(parts), left_(n) { skip(at); }
  size_t Available() const override { return left_; }
  const char* Peek(size_t* n) override {
    if (left_ == 0) return *n = 0, "";
    *n = std::min<uint64_t>(parts_[part_].n - at_, left_);
    return reinterpret_cast<const char*>(parts_[part_].p + at_);
  }
  void Skip(size_t n) override {
    left_ -= n;
    skip(n);
  }

 private:
  void skip(uint64_t n) {
    at_ += n;
    while (part_ < parts_.size() && at_ >= parts_[part_].n) at_ -= parts_[part_].n, ++part_;
  }
  const Parts parts_;
  size_t part_ = 0;
  uint64_t at_ = 0, left_;
};

// One raw block of n bytes at `at`.
Status add_block(Parts parts, uint64_t at, uint64_t n, uint64_t bytes_max, Output& out) {
  PartsSource asked(parts, at, n);
  uint32_t bytes = 0;
  if (!::snappy::GetUncompressedLength(&asked, &bytes)) return corrupt(kName, "does not begin with a length");
  if (bytes > bytes_max - out.used()) return too_large(kName, bytes_max);
  if (bytes > n * kRatioMax)
    return corrupt(kName, "says that " + std::to_string(n) + " bytes hold " + std::to_string(bytes) + ", more than the format can");
  ION_CHECK(out.make_room(bytes));
  PartsSource source(parts, at, n);
  if (!::snappy::RawUncompress(&source, reinterpret_cast<char*>(out.free_begin()))) return corrupt(kName, "cannot be read");
  out.add(bytes);
  return {};
}

uint32_t big32(Parts parts, uint64_t at) {
  uint8_t raw[4] = {};
  copy_out(parts, at, sizeof raw, raw);
  return uint32_t{raw[0]} << 24 | uint32_t{raw[1]} << 16 | uint32_t{raw[2]} << 8 | raw[3];
}

}  // namespace

Result<Buf> compress_snappy(Parts parts, uint64_t front) {
  const uint64_t bytes = bytes_in(parts);
  if (bytes > UINT32_MAX) return library_failed(kName, "a block holds less than 4 GiB");
  uint8_t* to = nullptr;
  Buf made = Buf::allocate(front + ::snappy::MaxCompressedLength(bytes), &to);
  PartsSource source(parts, 0, bytes);
  ::snappy::UncheckedByteArraySink sink(reinterpret_cast<char*>(to + front));
  made.trim_to(front + ::snappy::Compress(&source, &sink));
  return made;
}

Result<Buf> decompress_snappy(Parts parts, const Room& room) {
  const uint64_t bytes = bytes_in(parts);
  uint8_t head[sizeof kXerialMagic] = {};
  copy_out(parts, 0, std::min<uint64_t>(bytes, sizeof head), head);
  const bool stream = bytes >= kXerialHead && std::equal(std::begin(head), std::end(head), std::begin(kXerialMagic));
  Output out(room);
  ION_CHECK(out.begin(bytes * 2));
  if (!stream) {
    ION_CHECK(add_block(parts, 0, bytes, room.bytes_max, out));
    return out.take();
  }
  if (const uint32_t oldest = big32(parts, sizeof kXerialMagic + 4); oldest > kXerialVersion)
    return corrupt(kName, "is a stream of version " + std::to_string(oldest) + ", version 1 is read");
  for (uint64_t at = kXerialHead; at < bytes;) {
    if (bytes - at < 4) return corrupt(kName, "ends early");
    const uint64_t n = big32(parts, at);
    at += 4;
    if (n > bytes - at) return corrupt(kName, "ends early: a block of " + std::to_string(n) + " bytes has " + std::to_string(bytes - at));
    ION_CHECK(add_block(parts, at, n, room.bytes_max, out));
    at += n;
  }
  return out.take();
}

}  // namespace ion::codecs
