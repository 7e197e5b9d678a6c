// The file that keeps what meta_put was given: all items of a log, small, replaced as a whole. It carries a CRC and its owner.
// Layout: segment_format.md. Pure. Thread: any.
#pragma once
#include "core/segment_format.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace ion::storage_mmap {

using MetaItems = std::map<std::string, std::vector<uint8_t>, std::less<>>;

inline constexpr uint64_t kMetaBytesMax = uint64_t{64} << 10;  // keys and values of a log
inline constexpr uint64_t kMetaKeyMax = 255;
inline constexpr uint64_t kMetaFileMax = uint64_t{1} << 20;

std::vector<uint8_t> encode_meta(const Owner& owner, const MetaItems& items);
Result<MetaItems> decode_meta(const Owner& owner, std::span<const uint8_t> bytes);

// What the items become. A value that points nowhere deletes. INVALID: an empty or too long key, or more than fits a log.
Result<MetaItems> apply_meta(const MetaItems& before, std::span<const ion_field> changes);

}  // namespace ion::storage_mmap
