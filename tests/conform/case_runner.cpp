#include "conform/case_runner.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>

namespace ion::conform {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kOutputMax = 1 << 20;  // of one child
constexpr size_t kFailuresMax = 20;     // of one rule that are told

std::string words_of(std::string name) {
  for (char& c : name)
    if (c == '_') c = ' ';
  return name;
}

// Writes each failed check as a line of JSON, so that it is told even when the child dies later.
class Teller final : public ::testing::EmptyTestEventListener {
 public:
  explicit Teller(int to) : to_(to) {}
  void OnTestPartResult(const ::testing::TestPartResult& r) override {
    if (r.passed()) return;
    const char* file = r.file_name() != nullptr ? std::strrchr(r.file_name(), '/') : nullptr;
    const std::string where = file != nullptr ? std::string(file + 1) + ":" + std::to_string(r.line_number()) : "";
    const nlohmann::json told{{"skipped", r.skipped()}, {"where", where}, {"message", r.message()}};
    const std::string line = told.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    (void)!::write(to_, line.data(), line.size());
  }

 private:
  const int to_;
};

[[noreturn]] void child(const std::string& name, int results, int output) {
  ::dup2(output, 1), ::dup2(output, 2);
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new Teller(results));
  ::testing::GTEST_FLAG(filter) = name;
  ::_exit(RUN_ALL_TESTS());
}

// What both pipes bring until they are closed or the time is over. False: it was over.
bool listen(int (&from)[2], std::string (&to)[2], Clock::time_point end) {
  pollfd ears[2] = {{from[0], POLLIN, 0}, {from[1], POLLIN, 0}};
  for (int open = 2; open > 0;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    if (::poll(ears, 2, static_cast<int>(left)) < 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (ears[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t n = ::read(from[i], buffer, sizeof buffer);
      if (n <= 0) ears[i].fd = -1, ears[i].revents = 0, --open;
      else if (to[i].size() < kOutputMax) to[i].append(buffer, static_cast<size_t>(n));
    }
  }
  return true;
}

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  if (end == text.npos) return "";
  const size_t begin = text.rfind('\n', end);
  return text.substr(begin == text.npos ? 0 : begin + 1, end - (begin == text.npos ? 0 : begin + 1) + 1);
}

}  // namespace

RuleReport run_case(const std::string& name, int timeout_s) {
  RuleReport report;
  const size_t dot = name.find('.');
  report.group = name.substr(0, dot);
  if (const size_t slash = report.group.rfind('/'); slash != report.group.npos) report.group = report.group.substr(slash + 1);
  report.rule = words_of(name.substr(dot + 1, name.find('/', dot) - dot - 1));
  int results[2], output[2];
  if (::pipe2(results, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0) {
    report.end = RuleReport::End::kBroken;
    report.failures.push_back({"", "", "no pipe for a child", ""});
    return report;
  }
  const pid_t pid = ::fork();
  if (pid == 0) child(name, results[1], output[1]);
  ::close(results[1]), ::close(output[1]);
  int from[2] = {results[0], output[0]};
  std::string heard[2];
  const bool in_time = pid > 0 && listen(from, heard, Clock::now() + std::chrono::seconds(timeout_s));
  int status = -1;
  if (pid > 0) {
    if (!in_time) ::kill(pid, SIGKILL);
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  }
  ::close(results[0]), ::close(output[0]);
  size_t at = 0;
  for (size_t end; (end = heard[0].find('\n', at)) != std::string::npos; at = end + 1) {
    const auto told = nlohmann::json::parse(heard[0].substr(at, end - at), nullptr, false);
    if (told.is_discarded()) continue;
    if (told["skipped"].get<bool>()) report.skipped = told["message"].get<std::string>();
    else if (report.failures.size() < kFailuresMax) report.failures.push_back(failure_of(told["where"], told["message"]));
  }
  while (!report.skipped.empty() && report.skipped.back() == '\n') report.skipped.pop_back();
  const std::string last = last_line(heard[1]).empty() ? "" : "; its last words: " + last_line(heard[1]);
  if (!in_time) report.failures.push_back({"an end within " + std::to_string(timeout_s) + " s", "none" + last, "", ""});
  else if (WIFSIGNALED(status)) report.failures.push_back({"a process that goes on", "killed by signal " + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ")" + last, "", ""});
  else if (WEXITSTATUS(status) != 0 && report.failures.empty()) report.failures.push_back({"a process that goes on", "it ended with " + std::to_string(WEXITSTATUS(status)) + last, "", ""});
  if (!report.failures.empty()) report.end = RuleReport::End::kBroken;
  else if (!report.skipped.empty()) report.end = RuleReport::End::kNotClaimed;
  return report;
}

}  // namespace ion::conform
