#include "options.h"

#include <fmt/format.h>
#include <ion/units.h>

#include <algorithm>
#include <sstream>

namespace ion::cli {

namespace po = boost::program_options;

namespace {
constexpr const char* kPositionals = "ion-positionals";
constexpr unsigned kWidth = 110;

Status named(const std::string& name, const Status& why) { return usage(fmt::format("--{}: {}", name, why.message())); }
}  // namespace

Status usage(std::string words) { return {ION_E_INVALID, std::move(words), kUsage}; }

const std::vector<std::string>& Arguments::texts(const std::string& name) const {
  static const std::vector<std::string> kNone;
  const auto at = texts_.find(name);
  return at == texts_.end() ? kNone : at->second;
}
const std::string& Arguments::text(const std::string& name) const {
  static const std::string kNone;
  const auto& all = texts(name);
  return all.empty() ? kNone : all.back();
}

Result<Nanos> Arguments::duration(const std::string& name) const {
  auto parsed = parse_duration(text(name));
  return parsed ? parsed : named(name, parsed.error());
}
Result<uint64_t> Arguments::size(const std::string& name) const {
  const auto parsed = parse_bytes(text(name));
  if (!parsed) return named(name, parsed.error());
  return static_cast<uint64_t>(*parsed);
}
Result<uint64_t> Arguments::count(const std::string& name, uint64_t max) const {
  auto parsed = parse_count(text(name));
  if (!parsed) return named(name, parsed.error());
  if (*parsed > max) return usage(fmt::format("--{}: at most {}, not {}", name, max, *parsed));
  return parsed;
}

Result<std::vector<std::string>> split_list(const std::string& what, const std::string& text) {
  std::vector<std::string> out;
  for (size_t begin = 0;;) {
    const size_t comma = text.find(',', begin);
    out.push_back(text.substr(begin, comma == std::string::npos ? comma : comma - begin));
    if (out.back().empty()) return usage(fmt::format("{}: item {} of \"{}\" is empty", what, out.size(), text));
    if (comma == std::string::npos) return out;
    begin = comma + 1;
  }
}

Result<std::vector<std::string>> Arguments::list(const std::string& name) const {
  std::vector<std::string> out;
  for (const std::string& text : texts(name)) {
    ION_TRY(const std::vector<std::string> items, split_list("--" + name, text));
    out.insert(out.end(), items.begin(), items.end());
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> Arguments::pairs(const std::string& name, char mark) const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& text : texts(name)) {
    const size_t at = text.find(mark);
    if (at == std::string::npos || at == 0) return usage(fmt::format("--{}: want KEY{}VALUE, have \"{}\"", name, mark, text));
    out.emplace_back(text.substr(0, at), text.substr(at + 1));
  }
  return out;
}

Result<std::map<std::string, std::string>> Arguments::settings(const std::string& name) const {
  ION_TRY(const auto all, pairs(name, '='));
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : all)
    if (!out.emplace(key, value).second) return usage(fmt::format("--{}: {} is given twice, as {} and {}", name, key, out[key], value));
  return out;
}

OptionSet::OptionSet() : shown_("options", kWidth, kWidth / 2) {}

OptionSet& OptionSet::flag(const char* names, const char* help) {
  shown_.add_options()(names, po::bool_switch(), help);
  return *this;
}
OptionSet& OptionSet::value(const char* names, const char* help, const char* standard) {
  auto* text = po::value<std::vector<std::string>>()->composing();
  if (standard != nullptr) text->default_value({standard}, standard);
  shown_.add_options()(names, text->value_name("X"), help);
  return *this;
}
OptionSet& OptionSet::values(const char* names, const char* help) {
  const std::string_view all(names);
  repeated_.emplace(all.substr(0, all.find(',')));
  shown_.add_options()(names, po::value<std::vector<std::string>>()->composing()->value_name("X"), help);
  return *this;
}
OptionSet& OptionSet::positionals(size_t least, size_t most) {
  least_ = least, most_ = most;
  return *this;
}
OptionSet& OptionSet::notes(std::string text) {
  notes_ += text;
  return *this;
}
OptionSet& OptionSet::synopsis(std::string_view words) {
  synopsis_ = words;
  return *this;
}
OptionSet& OptionSet::may_be_empty(const char* name) {
  may_be_empty_.insert(name);
  return *this;
}
bool OptionSet::has(const std::string& name) const { return shown_.find_nothrow(name, false) != nullptr; }

namespace {
// Boost refuses `--name=` as if its value were missing, but takes `--name ''`, which is the same.
std::vector<std::string> with_empty_values(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  bool options_over = false;
  for (const std::string& argument : arguments) {
    options_over = options_over || argument == "--";
    const bool empty_value = !options_over && argument.size() > 3 && argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    out.push_back(empty_value ? argument.substr(0, argument.size() - 1) : argument);
    if (empty_value) out.emplace_back();
  }
  return out;
}
}  // namespace

Result<Arguments> OptionSet::parse(const std::vector<std::string>& arguments) const {
  po::options_description all;
  all.add(shown_);
  all.add_options()(kPositionals, po::value<std::vector<std::string>>());
  po::positional_options_description positionals;
  positionals.add(kPositionals, -1);
  po::variables_map found;
  try {
    // An option that is only guessed from its beginning would change its meaning when another one is added.
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(with_empty_values(arguments)).options(all).positional(positionals).style(style).run(), found);
    po::notify(found);
  } catch (const po::error& e) {
    return usage(e.what());
  }
  Arguments out;
  for (const auto& [name, value] : found) {
    if (const auto* flag = boost::any_cast<bool>(&value.value())) {
      if (*flag) out.texts_[name] = {};
      continue;
    }
    const auto& texts = value.as<std::vector<std::string>>();
    if (name == kPositionals) {
      out.positionals_ = texts;
      continue;
    }
    ION_CHECK(check_values(name, texts));
    out.texts_[name] = texts;
    if (!value.defaulted()) out.chosen_.insert(name);
  }
  if (out.has("help")) return out;
  ION_CHECK(check_words(out.positionals_));
  return out;
}

// Of two values one would be dropped in silence.
Status OptionSet::check_values(const std::string& name, const std::vector<std::string>& values) const {
  const bool empty = std::find(values.begin(), values.end(), std::string()) != values.end();
  if (empty && may_be_empty_.count(name) == 0) return usage(fmt::format("--{}: its value is empty", name));
  if (values.size() == 1 || repeated_.count(name) != 0) return {};
  return usage(fmt::format("--{} is given {} times, as {}; it has one value", name, values.size(), fmt::join(values, " and ")));
}

Status OptionSet::check_words(const std::vector<std::string>& words) const {
  for (size_t i = 0; i < words.size(); ++i)
    if (words[i].empty()) return usage(fmt::format("word {} is empty{}{}", i + 1, synopsis_.empty() ? "" : "; want ", synopsis_));
  if (words.size() > most_)
    return usage(fmt::format("one word too many: \"{}\"; want {}", words[most_], synopsis_.empty() ? "options only" : synopsis_));
  if (words.size() >= least_) return {};
  std::istringstream names(synopsis_);
  std::string name = "a word";
  for (size_t i = 0; i <= words.size() && names >> name; ++i) continue;
  return usage(fmt::format("{} is missing", name));
}

std::string OptionSet::help() const {
  std::ostringstream text;
  text << shown_;
  if (!notes_.empty()) text << "\n" << notes_;
  return text.str();
}

}  // namespace ion::cli
