// Everything that is wrong with a configuration, one line each, so that an operator repairs it in one go.
// Bound: kProblemsMax lines are kept, the rest is counted. One thread.
#pragma once
#include "config/json_tree.h"

#include <ion/status.h>

#include <string>
#include <string_view>
#include <vector>

namespace ion::config {

constexpr size_t kProblemsMax = 100;

class Problems {
 public:
  void add(std::string line) {
    if (lines_.size() < kProblemsMax) lines_.push_back(std::move(line));
    else ++dropped_;
  }
  // "ionstreamd.jsonc:12: plugins.dlq.enabled: wanted true or false, found 3"
  void add(const Origin& origin, std::string_view path, std::string_view words) {
    std::string line = origin.text();
    line.append(": ").append(path.empty() ? "the root" : path).append(": ").append(words);
    add(std::move(line));
  }
  void add(const Status& status) { add(status.message()); }

  bool empty() const { return lines_.empty(); }
  const std::vector<std::string>& lines() const { return lines_; }
  Status status() const {
    if (lines_.empty()) return {};
    std::string words;
    for (const std::string& line : lines_) words.append(words.empty() ? "" : "\n").append(line);
    if (dropped_ > 0) words.append("\nand ").append(std::to_string(dropped_)).append(" more");
    return {ION_E_INVALID, std::move(words), "CONFIG_INVALID"};
  }

 private:
  std::vector<std::string> lines_;
  size_t dropped_ = 0;
};

}  // namespace ion::config
