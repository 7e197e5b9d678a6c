// Durations, sizes and counts as people write them: "500ms", "64KiB", "1000". Pure. INVALID says what was wanted and what was there.
#pragma once
#include <ion/result.h>
#include <ion/time.h>

#include <cstdint>
#include <string_view>

namespace ion::cli {

// A number and one of ns us ms s m h d, as in 10s; 0 needs no unit.
Result<Nanos> parse_duration(std::string_view text);
// Bytes, or a number and one of B KB MB GB KiB MiB GiB.
Result<uint64_t> parse_size(std::string_view text);
Result<int64_t> parse_integer(std::string_view text);
// A whole number that is not negative.
Result<uint64_t> parse_count(std::string_view text);

}  // namespace ion::cli
