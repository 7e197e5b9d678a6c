#include "conform/report.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

namespace ion::conform {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}
std::string trimmed(const std::string& line) {
  const size_t first = line.find_first_not_of(' ');
  return first == line.npos ? "" : line.substr(first);
}
std::string behind(const std::string& line, std::string_view mark) {
  const size_t at = line.find(mark);
  return at == line.npos ? "" : line.substr(at + mark.size());
}
// "  expression" and the "    Which is: value" that may follow, from line `at` on.
std::string operand(const std::vector<std::string>& lines, size_t& at) {
  if (at >= lines.size()) return "";
  std::string shown = trimmed(lines[at++]);
  if (at < lines.size() && lines[at].find("Which is: ") != std::string::npos) shown = behind(lines[at++], "Which is: ") + " (" + shown + ")";
  return shown;
}
std::string joined(const std::vector<std::string>& lines, size_t from) {
  std::string text;
  for (size_t i = from; i < lines.size() && !lines[i].starts_with("Google Test trace"); ++i) text += (text.empty() ? "" : "; ") + trimmed(lines[i]);
  return text;
}

const char* word_of(RuleReport::End end) {
  return end == RuleReport::End::kHolds ? "holds" : end == RuleReport::End::kBroken ? "broken" : "not claimed";
}
size_t count(const FileReport& report, RuleReport::End end) {
  return static_cast<size_t>(std::count_if(report.rules.begin(), report.rules.end(), [&](const RuleReport& r) { return r.end == end; }));
}

}  // namespace

bool FileReport::holds() const {
  return !rules.empty() && std::none_of(rules.begin(), rules.end(), [](const RuleReport& r) { return r.end == RuleReport::End::kBroken; });
}

// In this project the value that was seen stands first in EXPECT_EQ, the wanted one second.
Failure failure_of(const std::string& where, const std::string& message) {
  Failure failure{"", "", "", where};
  const std::vector<std::string> lines = lines_of(message);
  size_t at = 1;
  if (lines.empty()) return failure;
  if (lines[0].starts_with("Expected equality of these values:")) {
    failure.seen = operand(lines, at);
    failure.expected = operand(lines, at);
  } else if (lines[0].starts_with("Value of: ") && lines.size() >= 3) {
    failure.expected = behind(lines[0], "Value of: ") + " is " + behind(lines[2], "Expected: ");
    failure.seen = trimmed(behind(lines[1], "Actual: "));
    at = 3;
  } else if (lines[0].starts_with("Expected: ") && lines[0].find(", actual: ") != std::string::npos) {
    const std::string rest = behind(lines[0], "Expected: ");
    failure.expected = rest.substr(0, rest.find(", actual: "));
    failure.seen = behind(rest, ", actual: ");
  } else {
    at = 0;
  }
  failure.text = joined(lines, at);
  return failure;
}

std::string text_report(const std::vector<FileReport>& reports) {
  std::string text;
  for (const FileReport& report : reports) {
    const size_t claimed = report.rules.size() - count(report, RuleReport::End::kNotClaimed);
    text += report.file + ": " + report.kind + ": " + std::to_string(count(report, RuleReport::End::kHolds)) + " of " + std::to_string(claimed) + " rules hold\n";
    for (const RuleReport& rule : report.rules) {
      if (rule.end == RuleReport::End::kHolds) continue;
      text += std::string("  ") + word_of(rule.end) + ": " + rule.group + ": " + rule.rule + (rule.skipped.empty() ? "" : " (" + rule.skipped + ")") + "\n";
      for (const Failure& f : rule.failures) {
        if (!f.expected.empty()) text += "    expected: " + f.expected + "\n    seen:     " + f.seen + "\n";
        if (!f.text.empty()) text += "    " + f.text + "\n";
        if (!f.where.empty()) text += "    checked in " + f.where + "\n";
      }
    }
  }
  return text;
}

std::string json_report(const std::vector<FileReport>& reports) {
  nlohmann::json all = nlohmann::json::array();
  for (const FileReport& report : reports) {
    nlohmann::json rules = nlohmann::json::array();
    for (const RuleReport& rule : report.rules) {
      nlohmann::json failures = nlohmann::json::array();
      for (const Failure& f : rule.failures) failures.push_back({{"expected", f.expected}, {"seen", f.seen}, {"text", f.text}, {"where", f.where}});
      rules.push_back({{"group", rule.group}, {"rule", rule.rule}, {"result", word_of(rule.end)}, {"failures", failures}});
    }
    all.push_back({{"file", report.file}, {"kind", report.kind}, {"holds", report.holds()}, {"rules", rules}});
  }
  return all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace ion::conform
