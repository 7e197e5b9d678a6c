// ion-conform KIND FILE...: does a plugin keep the promises of its contract? Each rule is a case of GoogleTest that runs in a process of its own,
// so that a crash or an endless loop is a rule that does not hold, with a name, and the rest is still asked.
// Exit: 0 all rules hold for all files, 1 some do not, 2 usage.
#include "conform/case_runner.h"
#include "conform/plugin_instance.h"
#include "conform/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace ion::conform {
namespace {

struct Kind {
  std::string_view name;
  std::vector<std::string_view> suites;  // beside "Load"
};
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{{"load", {}}, {"interceptor", {"Interceptor"}}, {"router", {"Router"}},
                                     {"storage", {"worlds/StorageSuite", "worlds/TimeSuite", "worlds/ReplaceSuite"}}
#if defined(ION_CONFORM_TRANSPORT)
                                     ,
                                     {"transport", {"Transport"}}
#endif
  };
  return all;
}

int usage(const std::string& wrong) {
  std::string names;
  for (const Kind& k : kinds()) names += (names.empty() ? "" : "|") + std::string(k.name);
  std::fprintf(stderr,
               "%s%susage: ion-conform %s FILE... [--config JSON] [--format text|json] [--timeout SECONDS]\n"
               "  --config   the settings of the instances, as in `plugins.NAME.config`\n"
               "  --timeout  how long one rule may take (30)\n",
               wrong.c_str(), wrong.empty() ? "" : "\n", names.c_str());
  return 2;
}

std::vector<std::string> cases_of(const Kind& kind) {
  std::vector<std::string> found;
  const auto* unit = ::testing::UnitTest::GetInstance();
  for (const bool load : {true, false})
    for (int s = 0; s < unit->total_test_suite_count(); ++s) {
      const auto* suite = unit->GetTestSuite(s);
      const bool wanted = load ? std::string_view(suite->name()) == "Load"
                               : std::find(kind.suites.begin(), kind.suites.end(), std::string_view(suite->name())) != kind.suites.end();
      for (int t = 0; wanted && t < suite->total_test_count(); ++t) found.push_back(std::string(suite->name()) + "." + suite->GetTestInfo(t)->name());
    }
  return found;
}

int run(int argc, char** argv) {
  std::vector<std::string> words;
  std::string format = "text";
  int timeout_s = 30;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "-h" || word == "--help") return usage(""), 0;
    if (!word.starts_with("--")) {
      words.emplace_back(word);
      continue;
    }
    if (i + 1 == argc) return usage("ion-conform: " + std::string(word) + " wants a value");
    const std::string value = argv[++i];
    if (word == "--config") request().config = value;
    else if (word == "--format" && (value == "text" || value == "json")) format = value;
    else if (word == "--timeout" && std::atoi(value.c_str()) > 0) timeout_s = std::atoi(value.c_str());
    else return usage("ion-conform: unknown option " + std::string(word) + " " + value);
  }
  const auto kind = std::find_if(kinds().begin(), kinds().end(), [&](const Kind& k) { return !words.empty() && k.name == words[0]; });
  if (kind == kinds().end()) return usage(words.empty() ? "" : "ion-conform: unknown kind \"" + words[0] + "\"");
  if (words.size() < 2) return usage("ion-conform: which file?");
  std::vector<FileReport> reports;
  for (size_t i = 1; i < words.size(); ++i) {
    FileReport& report = reports.emplace_back(FileReport{words[i], words[0], {}});
    request().kind = words[0], request().file = words[i];
    for (const std::string& name : cases_of(*kind)) report.rules.push_back(run_case(name, timeout_s));
  }
  const std::string text = format == "json" ? json_report(reports) : text_report(reports);
  std::fwrite(text.data(), 1, text.size(), stdout);
  const bool whole = std::fflush(stdout) == 0;
  return whole && std::all_of(reports.begin(), reports.end(), [](const FileReport& r) { return r.holds(); }) ? 0 : 1;
}

}  // namespace
}  // namespace ion::conform

int main(int argc, char** argv) {
  int none = 1;
  ::testing::InitGoogleTest(&none, argv);  // the words are ours
  return ion::conform::run(argc, argv);
}
