#include "refusals.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "command.h"
#include "process.h"

namespace ion::cli {

Refusals::Refusals(std::string what) : what_(std::move(what)), thread_([this] { run(); }) {}

void Refusals::add(std::string_view where, uint64_t number, const Status& why, Tell tell) {
  const std::lock_guard lock(mutex_);
  remember(number, why);
  const bool is_first = count_.fetch_add(1) == 0;
  if (is_first) first_exit_ = kFailed;
  if (is_first || number < first_) first_ = number;
  if (tell == Tell::kQuiet) return;
  if (told_ < kShown) {
    ++told_;
    const int code = complain(fmt::format("{}: record {}", where, number), why);
    if (is_first) first_exit_ = code;
  } else {
    last_ = why;
    if (untold_++ == 0) changed_.notify_all();
  }
}

void Refusals::remember(uint64_t number, const Status& why) {
  std::string text = fmt::format("{}{}{}", code_name(why.code()), why.reason().empty() ? "" : " ", why.reason());
  auto at = std::find_if(causes_.begin(), causes_.end(), [&](const Cause& c) { return c.text == text; });
  if (at == causes_.end() && causes_.size() < kCausesMax) at = causes_.insert(causes_.end(), {std::move(text), {}});
  if (at == causes_.end()) --at, at->text = "other errors";
  at->records.add(number);
}

void Refusals::finish() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Refusals::tell_which() const {
  if (told_ == count_) return;
  for (const Cause& cause : causes_) say(fmt::format("ion: {}: failed with {}: {}\n", what_, cause.text, cause.records.text(kRangesShown)));
}

void Refusals::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    changed_.wait(lock, [this] { return ending_ || untold_ > 0; });
    changed_.wait_for(lock, std::chrono::seconds(1), [this] { return ending_; });
    if (untold_ > 0) say(fmt::format("ion: {}: {} more records were refused, the last one: {}\n", what_, std::exchange(untold_, 0), last_.text()));
  }
}

}  // namespace ion::cli
