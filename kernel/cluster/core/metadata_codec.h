// Commands of the metadata log to bytes and back. Big-endian; a command is version 1 | kind 1 | fields; a text is length 4 and
// bytes; a list is count 4 and items. Grows by new kinds, and by a new version when a command of it must not be passed over.
// Our own and not protobuf: the kernel stays free of it, and the bytes are a disk format that no library may change.
#pragma once
#include "cluster/core/metadata_commands.h"

#include <ion/result.h>

#include <span>
#include <string_view>
#include <vector>

namespace ion::cluster {

std::vector<uint8_t> encode(const Command& command);
// UNSUPPORTED: whole, and of a later version of this program. Reason UNKNOWN_KIND: may be passed over (a later kind never hands
// out log ids or producer ids); UNKNOWN_VERSION: may not. CORRUPT: its fields do not fit its bytes.
Result<Command> decode(std::span<const uint8_t> bytes);
inline constexpr std::string_view kUnknownKind = "UNKNOWN_KIND", kUnknownVersion = "UNKNOWN_VERSION";

}  // namespace ion::cluster
