// Commands of the metadata log to bytes and back. Big-endian; a command is version 1 | kind 1 | fields; a text is length 4 and
// bytes; a list is count 4 and items. Grows by new kinds or a new version; an unknown one is CORRUPT, never skipped.
// Our own and not protobuf: the kernel stays free of it, and the bytes are a disk format that no library may change.
#pragma once
#include "cluster/core/metadata_commands.h"

#include <ion/result.h>

#include <span>
#include <vector>

namespace ion::cluster {

std::vector<uint8_t> encode(const Command& command);
Result<Command> decode(std::span<const uint8_t> bytes);

}  // namespace ion::cluster
