#include "config_print.h"

#include "config/problems.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace ion {
namespace {

using config::Kind;
using config::Layer;
using config::Node;

std::vector<std::string> lines_of(const Status& why) {
  std::vector<std::string> lines;
  std::string_view rest = why.ok() ? std::string_view() : std::string_view(why.message());
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

Node truth(bool value) {
  Node node;
  node.kind = Kind::kBool, node.truth = value;
  return node;
}
Node text(std::string_view value) { return config::make_text(value, {}, {}); }
Node list() {
  Node node;
  node.kind = Kind::kList;
  return node;
}

std::string_view layer_name(Layer layer) {
  switch (layer) {
    case Layer::kDefault: return "default";
    case Layer::kFile: return "file";
    case Layer::kEnvironment: return "environment";
    case Layer::kFlag: return "flag";
  }
  return "default";
}

std::string settings_table(const std::vector<const Node*>& settings) {
  std::vector<std::array<std::string, 3>> rows{{"KEY", "VALUE", "FROM"}};
  for (const Node* s : settings) rows.push_back({s->path, setting_text(*s), s->origin.text()});
  constexpr size_t kValueWidthMax = 40;  // a longer one moves only its own line
  size_t keys = 0, values = 0;
  for (const auto& row : rows) {
    keys = std::max(keys, row[0].size());
    if (row[1].size() <= kValueWidthMax) values = std::max(values, row[1].size());
  }
  std::string out;
  for (const auto& row : rows) out += fmt::format("{:<{}}  {:<{}}  {}\n", row[0], keys, row[1], values, row[2]);
  return out;
}

}  // namespace

std::string setting_text(const Node& setting) {
  const bool bare = setting.is(Kind::kText) && !setting.secret && !setting.unchecked && !setting.text.empty() &&
                    std::none_of(setting.text.begin(), setting.text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x20; });
  if (bare) return setting.text;
  if (setting.secret || setting.unchecked) return "***";
  return setting.is(Kind::kInteger) ? config::unit_text(setting.unit, setting.integer) : config::json_text(setting, config::Look::kLine);
}

std::string print_verdict(std::string_view name, const Status& why, PrintFormat format) {
  const std::vector<std::string> errors = lines_of(why);
  if (format == PrintFormat::kText) {
    if (why.ok()) return fmt::format("{}: valid\n", name);
    if (errors.size() > config::kProblemsMax) return fmt::format("{}: more than {} errors\n", name, config::kProblemsMax);
    return fmt::format("{}: {} error{}\n", name, errors.size(), errors.size() == 1 ? "" : "s");
  }
  Node verdict = config::make_object({}, {});
  verdict.member("configuration") = text(name);
  verdict.member("valid") = truth(why.ok());
  Node& said = verdict.member("errors") = list();
  for (const std::string& error : errors) said.items.push_back(text(error));
  return config::json_text(verdict, config::Look::kLine) + "\n";
}

std::string print_settings(const config::ConfigSnapshot& snapshot, PrintFormat format) {
  const std::vector<const Node*> settings = snapshot.settings();
  if (format == PrintFormat::kText) return settings_table(settings);
  Node all = list();
  for (const Node* s : settings) {
    Node& one = all.items.emplace_back(config::make_object({}, {}));
    one.member("key") = text(s->path);
    one.member("value") = *s;
    one.member("origin") = text(layer_name(s->origin.layer));
    one.member("source") = s->origin.layer == Layer::kDefault ? Node() : text(s->origin.layer == Layer::kEnvironment ? s->origin.source : s->origin.text());
  }
  return config::json_text(all, config::Look::kLine) + "\n";
}

}  // namespace ion
