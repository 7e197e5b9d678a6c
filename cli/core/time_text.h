// Times as text, in UTC and without a locale. Pure.
#pragma once
#include <ion/time.h>

#include <string>
#include <string_view>

namespace ion::cli {

// 2023-11-14T22:13:20.123Z
void append_iso(WallMs time, std::string& to);

// The letters that a layout of append_time may have behind a %: those of the C function strftime that mean the same everywhere.
inline constexpr std::string_view kTimeLetters = "YmdHMSyjeFTDRBbhAapIZzsnt%";
// The first letter behind a % that append_time does not know; npos: none.
size_t unknown_in_time_layout(std::string_view layout);
void append_time(std::string_view layout, WallMs time, std::string& to);

}  // namespace ion::cli
