// sim_disk: runs of the disk simulator. See README.md.
#include "sim/planted_bugs.h"
#include "sim/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace ion::sim {
namespace {

constexpr std::string_view kUsage =
    "usage: sim_disk [--seed N | --seeds A..B] [--bug NAME] [--count | --twice] [--trace]\n"
    "  --seed N      one run, with its trace\n"
    "  --seeds A..B  runs A to B; ends at the first that finds something (default 1..20)\n"
    "  --bug NAME    with this mistake planted; found is 0, not found is 1\n"
    "  --count       with --bug: all runs, and how many of them find it\n"
    "  --twice       each run twice: the traces must be the same\n"
    "  --list        the mistakes that can be planted\n";

struct Asked {
  uint64_t first = 1, last = 20;
  std::string bug;
  bool count = false, twice = false, trace = false;
};

std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t n = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), n);
  return wrong == std::errc() && end == text.data() + text.size() ? std::optional(n) : std::nullopt;
}

std::optional<Asked> read_arguments(int argc, char** argv) {
  Asked asked;
  for (int i = 1; i < argc; ++i) {
    const std::string_view what = argv[i];
    const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
    if (what == "--twice") asked.twice = true;
    else if (what == "--count") asked.count = true;
    else if (what == "--trace") asked.trace = true;
    else if (what == "--seed") {
      const auto n = number_of(value);
      if (!n) return std::nullopt;
      asked.first = asked.last = *n, asked.trace = true, ++i;
    } else if (what == "--seeds") {
      const size_t dots = value.find("..");
      const auto from = number_of(value.substr(0, dots)), upto = dots == value.npos ? from : number_of(value.substr(dots + 2));
      if (!from || !upto || *from > *upto) return std::nullopt;
      asked.first = *from, asked.last = *upto, ++i;
    } else if (what == "--bug") {
      asked.bug = value, ++i;
      if (asked.bug.empty()) return std::nullopt;
    } else return std::nullopt;
  }
  return asked;
}

// The loader reads real files: the copies of plugins lie there.
class CopiesDirectory {
 public:
  CopiesDirectory() {
    std::string pattern = (std::filesystem::canonical(std::filesystem::temp_directory_path()) / "ion-sim-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~CopiesDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void print(const Verdict& verdict) {
  for (const std::string& line : verdict.trace) fmt::print("{}\n", line);
  if (!verdict.wrong.empty()) fmt::print("the broker's last lines:\n{}", verdict.log);
}

int run_well(const Asked& asked, RunOptions options) {
  uint64_t lives = 0, acknowledgements = 0, records_read = 0, faults = 0;
  for (; options.seed <= asked.last; ++options.seed) {
    const Verdict verdict = run(options);
    if (asked.trace) print(verdict);
    lives += verdict.lives, acknowledgements += verdict.acknowledgements, records_read += verdict.records_read, faults += verdict.faults;
    if (!verdict.wrong.empty()) {
      fmt::print("seed {}: {}\nagain with its trace: sim_disk --seed {}\n", options.seed, verdict.wrong, options.seed);
      return 1;
    }
    if (!asked.twice) continue;
    if (const Verdict again = run(options); again.trace_hash != verdict.trace_hash)
      return fmt::print("seed {}: two runs, two traces ({:016x}, {:016x})\n", options.seed, verdict.trace_hash, again.trace_hash), 1;
  }
  fmt::print("{} runs, {} lives of brokers, {} faults: {} records were acknowledged, {} read\n", asked.last - asked.first + 1, lives, faults, acknowledgements, records_read);
  return 0;
}

// A run in a process of its own, since a mistake may end it: by an assertion, or by never ending.
enum class Found { kNothing, kNotReached, kSomething };
Found run_apart(const Asked& asked, const RunOptions& options) {
  constexpr unsigned kSecondsMax = 120;
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child < 0) std::abort();
  if (child == 0) {
    ::alarm(kSecondsMax);
    (void)plant_bug(asked.bug);
    const Verdict verdict = run(options);
    if (asked.trace) print(verdict);
    if (!verdict.wrong.empty()) fmt::print("seed {}: {}\n", options.seed, verdict.wrong);
    std::fflush(stdout);
    ::_exit(static_cast<int>(!verdict.wrong.empty() ? Found::kSomething : planted_bug_reached() > 0 ? Found::kNothing : Found::kNotReached));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(status)) return static_cast<Found>(WEXITSTATUS(status));
  fmt::print("seed {}: the process ended with signal {}\n", options.seed, WTERMSIG(status));
  return Found::kSomething;
}

// How many seeds it takes from each seed on: half of them need no more.
uint64_t median_of(const std::vector<uint64_t>& hits, const Asked& asked) {
  std::vector<uint64_t> needed;
  for (uint64_t seed = asked.first; seed <= asked.last; ++seed) {
    const auto hit = std::lower_bound(hits.begin(), hits.end(), seed);
    needed.push_back(hit == hits.end() ? UINT64_MAX : *hit - seed + 1);
  }
  std::nth_element(needed.begin(), needed.begin() + static_cast<std::ptrdiff_t>(needed.size() / 2), needed.end());
  return needed[needed.size() / 2];
}

int run_with_bug(const Asked& asked, RunOptions options) {
  std::vector<uint64_t> hits;
  uint64_t reached = 0;
  for (; options.seed <= asked.last && (hits.empty() || asked.count); ++options.seed) {
    const Found found = run_apart(asked, options);
    reached += found == Found::kNotReached ? 0 : 1;
    if (found == Found::kSomething) hits.push_back(options.seed);
  }
  if (hits.empty()) return fmt::print("{} is not found, although {} runs came to its place\n", asked.bug, reached), 1;
  if (asked.count) fmt::print("{}: {} of {} seeds find it, the median needs {}\n", asked.bug, hits.size(), asked.last - asked.first + 1, median_of(hits, asked));
  else fmt::print("{} is found by seed {}\n", asked.bug, hits.front());
  return 0;
}

int run_all(const Asked& asked) {
  if (!plant_bug(asked.bug)) return fmt::print(stderr, "sim_disk: there is no mistake {}; --list names them\n", asked.bug), 2;
  const CopiesDirectory copies;
  const RunOptions options{asked.first, ION_SIM_PLUGIN_DIR, copies.path() + "/data", asked.trace};
  return asked.bug.empty() ? run_well(asked, options) : run_with_bug(asked, options);
}

}  // namespace
}  // namespace ion::sim

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
    for (const auto& bug : ion::sim::planted_bugs()) fmt::print("{:28} {}\n", bug.name, bug.what);
    return 0;
  }
  const auto asked = ion::sim::read_arguments(argc, argv);
  if (!asked) return fmt::print(stderr, "{}", ion::sim::kUsage), 2;
  return ion::sim::run_all(*asked);
}
