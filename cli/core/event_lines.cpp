#include "core/event_lines.h"

namespace ion::cli {

std::optional<std::string> EventLines::add(const std::string& topic, std::string_view kind, const std::string& text) {
  Counted& counted = counted_[{topic, std::string(kind)}];
  if (counted.told < kLinesMax) return ++counted.told, text;
  ++counted.untold, counted.last = text;
  return std::nullopt;
}

std::string EventLines::rest() {
  std::string lines;
  for (auto& [what, counted] : counted_) {
    if (counted.untold == 0) continue;
    lines += "ion: topic " + what.first + ": and " + std::to_string(counted.untold) + " more " + what.second + "; the last: " + counted.last + "\n";
    counted.untold = 0;
  }
  return lines;
}

}  // namespace ion::cli
