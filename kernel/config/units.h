// Sizes and times as people write them: "64MiB", "1GB", "30s", "5ms", and back. Exact or refused: nothing is rounded.
// Pure; any thread.
#pragma once
#include <ion/config_rows.h>
#include <ion/result.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace ion::config {

// Bytes: a whole number alone, or a number with B kB KB MB GB TB KiB MiB GiB TiB.
Result<int64_t> parse_bytes(std::string_view text);
// Nanoseconds: a number with ns us ms s m h d. The unit is required, only "0" may stand alone: 30 says neither s nor ms.
Result<int64_t> parse_duration(std::string_view text);

// The shortest exact text: 67108864 is "64MiB", 1500000000 is "1500ms".
std::string bytes_text(int64_t bytes);
std::string duration_text(int64_t nanoseconds);
std::string unit_text(Unit unit, int64_t value);

}  // namespace ion::config
