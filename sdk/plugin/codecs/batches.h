// Whole batches in and out of compression. The header stays as it is, but for codec bits, length and checksum.
#pragma once
#include "codecs.h"

#include <ion/record_batch.h>

#include <span>

namespace ion::codecs {

// The batch that `parts` hold, whose header is `h`, without compression: what RecordReader and prove_records read. Its checksum is not
// made: nobody may store or send it as it is. `room.front` is not looked at. Errors: of Decompressor::run.
Result<Buf> open_batch(Decompressor& by, std::span<const ion_buf> parts, const batch::Header& h, Room room);

// An uncompressed batch in its final bytes, compressed and with its checksum; no bytes where that would not make it smaller. Errors: of
// Compressor::run.
Result<Buf> compress_batch(Compressor& by, Codec codec, int level, std::span<const uint8_t> whole);

}  // namespace ion::codecs
