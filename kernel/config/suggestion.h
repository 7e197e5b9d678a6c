// Did you mean: the nearest of the known words by edit distance. Pure; any thread.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace ion::config {

// Insertions, deletions, substitutions and swaps of neighbours that turn one text into the other; case does not count.
size_t edit_distance(std::string_view source, std::string_view target);

// The nearest of `known`, or an empty text when none is near: a third of the longer word may differ, at least one letter.
std::string nearest(std::string_view word, std::span<const std::string> known);

}  // namespace ion::config
