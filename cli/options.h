// The words behind a command: declared once, parsed by Boost.program_options, asked for by their long names.
// Everything is text here; the typed questions say which option was wrong. A mistake is a Status with reason USAGE (exit 2).
#pragma once
#include <ion/result.h>
#include <ion/time.h>

#include <boost/program_options.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ion::cli {

inline constexpr const char* kUsage = "USAGE";
Status usage(std::string words);
// The items of `A,B,C`, none of them empty. `what` stands in front of what is wrong.
Result<std::vector<std::string>> split_list(const std::string& what, const std::string& text);

class Arguments {
 public:
  bool has(const std::string& name) const { return texts_.count(name) != 0; }
  bool chosen(const std::string& name) const { return chosen_.count(name) != 0; }  // said by the user, not a default
  // Empty when it was not given and has no default.
  const std::string& text(const std::string& name) const;
  const std::vector<std::string>& texts(const std::string& name) const;
  const std::vector<std::string>& positionals() const noexcept { return positionals_; }

  // Each with the option's name in front of what is wrong. Only for options that are there.
  Result<Nanos> duration(const std::string& name) const;
  Result<uint64_t> size(const std::string& name) const;
  Result<uint64_t> count(const std::string& name, uint64_t max) const;
  // Of `A,B` and repeated options; an empty item is named.
  Result<std::vector<std::string>> list(const std::string& name) const;
  // Of repeated `key=value` (or another mark between them), in order.
  Result<std::vector<std::pair<std::string, std::string>>> pairs(const std::string& name, char mark) const;
  // Of repeated `key=value`, each key once.
  Result<std::map<std::string, std::string>> settings(const std::string& name) const;

 private:
  friend class OptionSet;
  std::map<std::string, std::vector<std::string>> texts_;
  std::set<std::string> chosen_;
  std::vector<std::string> positionals_;
};

class OptionSet {
 public:
  OptionSet();
  // `names` is "long" or "long,l".
  OptionSet& flag(const char* names, const char* help);
  OptionSet& value(const char* names, const char* help, const char* standard = nullptr);  // given at most once
  OptionSet& values(const char* names, const char* help);  // may be repeated
  OptionSet& may_be_empty(const char* name);               // an empty value means something; else it is a mistake
  OptionSet& positionals(size_t least, size_t most);       // how many words without a dash; none when not called
  OptionSet& synopsis(std::string_view words);             // their names, as in "NAME..."; for messages
  OptionSet& notes(std::string text);                      // whole lines behind the options in help()
  bool has(const std::string& name) const;

  Result<Arguments> parse(const std::vector<std::string>& arguments) const;
  std::string help() const;

 private:
  boost::program_options::options_description shown_;
  Status check_words(const std::vector<std::string>& words) const;
  Status check_values(const std::string& name, const std::vector<std::string>& values) const;

  size_t least_ = 0, most_ = 0;
  std::string synopsis_, notes_;
  std::set<std::string> may_be_empty_, repeated_;
};

}  // namespace ion::cli
