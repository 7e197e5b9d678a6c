// %v{unpack[<iH]}: bytes taken apart by a layout and written as decimals. Pure.
//   b B h H i I q Q  signed and unsigned numbers of 1, 2, 4, 8 bytes, little endian; < and > switch the order anywhere
//   c .  one byte as it is    s  all that is left    x  nothing    $  nothing may be left
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace ion::cli {

// The first letter that no layout has; npos: none.
size_t unknown_in_unpack_layout(std::string_view layout);
// Where the bytes end too soon, or go on behind $, "%!(...)" with the cause is appended and the rest left out.
void append_unpacked(std::string_view layout, std::string_view bytes, std::string& to);

}  // namespace ion::cli
