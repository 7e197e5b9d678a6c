#include "core/meta_format.h"

#include <algorithm>
#include <array>

namespace ion::storage_mmap {

namespace {
// 'IONMETA1' | storage 16 | log 4 | count 4 | count x (key bytes 4 | value bytes 4 | key | value) | CRC 4 of all before
constexpr std::array<uint8_t, 8> kMetaMagic{'I', 'O', 'N', 'M', 'E', 'T', 'A', '1'};
constexpr uint64_t kAtStorage = 8;
constexpr uint64_t kAtLog = 24;
constexpr uint64_t kAtCount = 28;
constexpr uint64_t kHeaderBytes = 32;
constexpr uint64_t kItemBytes = 8;
constexpr uint64_t kCrcBytes = 4;

Status bad_meta(std::string_view words) { return {ION_E_CORRUPT, "meta file: " + std::string(words)}; }

uint64_t bytes_of_items(const MetaItems& items) {
  uint64_t n = 0;
  for (const auto& [key, value] : items) n += key.size() + value.size();
  return n;
}
}  // namespace

std::vector<uint8_t> encode_meta(const Owner& owner, const MetaItems& items) {
  ION_ASSERT(bytes_of_items(items) <= kMetaBytesMax);
  std::vector<uint8_t> bytes(kHeaderBytes + items.size() * kItemBytes + bytes_of_items(items) + kCrcBytes);
  uint8_t* to = bytes.data();
  std::copy(kMetaMagic.begin(), kMetaMagic.end(), to);
  std::copy(owner.storage.bytes.begin(), owner.storage.bytes.end(), to + kAtStorage);
  batch::store_big<uint32_t>(to + kAtLog, owner.log);
  batch::store_big<uint32_t>(to + kAtCount, static_cast<uint32_t>(items.size()));
  to += kHeaderBytes;
  for (const auto& [key, value] : items) {
    batch::store_big<uint32_t>(to, static_cast<uint32_t>(key.size()));
    batch::store_big<uint32_t>(to + 4, static_cast<uint32_t>(value.size()));
    to = std::copy(key.begin(), key.end(), to + kItemBytes);
    to = std::copy(value.begin(), value.end(), to);
  }
  batch::store_big<uint32_t>(to, crc32c::of(std::span<const uint8_t>(bytes).first(bytes.size() - kCrcBytes)));
  return bytes;
}

Result<MetaItems> decode_meta(const Owner& owner, std::span<const uint8_t> bytes) {
  if (bytes.size() < kHeaderBytes + kCrcBytes) return bad_meta("has " + std::to_string(bytes.size()) + " bytes, wanted at least 36");
  if (!std::equal(kMetaMagic.begin(), kMetaMagic.end(), bytes.begin())) return bad_meta("is of another format");
  const uint64_t end = bytes.size() - kCrcBytes;
  if (batch::load_big<uint32_t>(bytes.data() + end) != crc32c::of(bytes.first(end))) return bad_meta("its checksum is another one");
  if (!std::equal(owner.storage.bytes.begin(), owner.storage.bytes.end(), bytes.begin() + kAtStorage) ||
      batch::load_big<uint32_t>(bytes.data() + kAtLog) != owner.log)
    return bad_meta("belongs to another log");
  const uint32_t count = batch::load_big<uint32_t>(bytes.data() + kAtCount);
  MetaItems items;
  uint64_t at = kHeaderBytes;
  for (uint32_t i = 0; i < count; ++i) {
    if (end - at < kItemBytes) return bad_meta("ends inside an item");
    const uint64_t key = batch::load_big<uint32_t>(bytes.data() + at), value = batch::load_big<uint32_t>(bytes.data() + at + 4);
    at += kItemBytes;
    if (key > end - at || value > end - at - key) return bad_meta("ends inside an item");
    const auto key_bytes = bytes.subspan(at, key), value_bytes = bytes.subspan(at + key, value);
    items.emplace(std::string(text_of(key_bytes)), std::vector<uint8_t>(value_bytes.begin(), value_bytes.end()));
    at += key + value;
  }
  if (at != end || items.size() != count) return bad_meta("holds more, or less, than it says");
  return items;
}

Result<MetaItems> apply_meta(const MetaItems& before, std::span<const ion_field> changes) {
  MetaItems items = before;
  for (const ion_field& change : changes) {
    const std::string_view key = text_of(change.key);
    if (key.empty() || key.size() > kMetaKeyMax)
      return Status(ION_E_INVALID, "meta key: wanted 1 to 255 bytes, have " + std::to_string(key.size()));
    if (change.value.p == nullptr) {
      if (const auto at = items.find(key); at != items.end()) items.erase(at);
      continue;
    }
    const auto value = span_of(change.value);
    items.insert_or_assign(std::string(key), std::vector<uint8_t>(value.begin(), value.end()));
    if (bytes_of_items(items) > 16 * kMetaBytesMax) break;  // no need to copy more of what is refused below
  }
  if (const uint64_t n = bytes_of_items(items); n > kMetaBytesMax)
    return Status(ION_E_INVALID, "meta of a log: at most " + std::to_string(kMetaBytesMax) + " bytes of keys and values, this makes " +
                                     std::to_string(n));
  return items;
}

}  // namespace ion::storage_mmap
