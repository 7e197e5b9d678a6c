// Did you mean: the nearest of the known words by edit distance. Pure; any thread.
#pragma once
#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ion {

namespace detail {
// Foreign words are cut: the table of the distance grows with both lengths.
inline constexpr size_t kSuggestedBytesMax = 128;
inline std::string cut_lower_case(std::string_view text) {
  std::string to(text.substr(0, kSuggestedBytesMax));
  for (char& c : to)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return to;
}
}  // namespace detail

// Insertions, deletions, substitutions and swaps of neighbours that turn one text into the other; case does not count.
// Optimal string alignment: three rows of the usual table, the third for the swap of neighbours.
inline size_t edit_distance(std::string_view source, std::string_view target) {
  const std::string a = detail::cut_lower_case(source), b = detail::cut_lower_case(target);
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

// The nearest of `known`, or an empty text when none is near: a third of the longer word may differ, at least one letter.
inline std::string nearest(std::string_view word, std::span<const std::string> known) {
  std::string best;
  size_t best_distance = detail::kSuggestedBytesMax;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(word, candidate);
    const size_t allowed = std::max<size_t>(1, std::max(word.size(), candidate.size()) / 3);
    const bool wholly_other = distance >= std::max(word.size(), candidate.size());
    if (distance <= allowed && !wholly_other && distance < best_distance) best = candidate, best_distance = distance;
  }
  return best;
}

}  // namespace ion
