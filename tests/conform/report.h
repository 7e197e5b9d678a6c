// What was found of a file, for people and for programs. Values only.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace ion::conform {

// What a check wanted and saw. `expected` and `seen` are empty when it said it in other words: `text`.
struct Failure {
  std::string expected, seen, text, where;  // where: file and line of the check
};
struct RuleReport {
  std::string group, rule;  // "Load", "its only export is its entry"
  enum class End { kHolds, kBroken, kNotClaimed } end = End::kHolds;
  std::vector<Failure> failures;
  std::string skipped;  // why it was not claimed
};
struct FileReport {
  std::string file, kind;
  std::vector<RuleReport> rules;
  bool holds() const;
};

// Of the words of GoogleTest for one failed check.
Failure failure_of(const std::string& where, const std::string& message);

std::string text_report(const std::vector<FileReport>& reports);
std::string json_report(const std::vector<FileReport>& reports);

}  // namespace ion::conform
