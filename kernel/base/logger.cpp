#include "base/logger.h"

#include <fmt/format.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>

namespace ion::base {
namespace {

constexpr uint32_t kLinesMin = 2, kLinesMax = 1U << 20;

// Hands finished lines to the output, and knows how many.
class LineSink final : public spdlog::sinks::sink {
 public:
  LineSink(LogOutput output, std::function<void(std::string&)> before_line)
      : output_(std::move(output)), before_line_(std::move(before_line)) {}

  void log(const spdlog::details::log_msg& message) override {  // spdlog's thread
    line_.clear();
    before_line_(line_);
    line_.append(message.payload.data(), message.payload.size());
    line_.push_back('\n');
    output_(line_);
    const std::lock_guard lock(mutex_);
    ++written_;
    one_more_.notify_all();
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  template <class Enough>  // enough(written so far)
  bool wait(Nanos limit, Enough enough) {
    std::unique_lock lock(mutex_);
    return one_more_.wait_for(lock, std::chrono::nanoseconds(limit.n), [&] { return enough(written_); });
  }

 private:
  const LogOutput output_;
  const std::function<void(std::string&)> before_line_;
  std::string line_;
  std::mutex mutex_;
  std::condition_variable one_more_;
  uint64_t written_ = 0;
};

}  // namespace

void write_to_stderr(std::string_view line) {
  while (!line.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody listens, and there is no other place to say so
    line.remove_prefix(static_cast<size_t>(n));
  }
}

struct SpdLogger::Core {
  Core(Clock& c, LogOptions o)
      : clock(c), options(std::move(o)), level(options.level),
        sink(std::make_shared<LineSink>(options.output, [this](std::string& line) { tell_dropped(line); })),
        pool(std::make_shared<spdlog::details::thread_pool>(options.lines_max, 1)),
        queue(pool.get()),
        logger(std::make_shared<spdlog::async_logger>("ion", sink, pool, spdlog::async_overflow_policy::overrun_oldest)) {
    logger->set_level(spdlog::level::trace);  // the level is ours
  }

  uint64_t dropped() const { return queue->overrun_counter(); }
  void tell_dropped(std::string& line) {  // spdlog's thread
    const uint64_t all = dropped();
    if (all == dropped_told) return;
    const std::string count = fmt::format("{}", all - dropped_told);
    const LogPart field{"lines", count};
    line += format_line(options.format, {clock.wall(), LogLevel::kWarn, "log", "lines were dropped, the output is too slow", {&field, 1}});
    line.push_back('\n');
    dropped_told = all;
  }

  Clock& clock;
  const LogOptions options;
  std::atomic<LogLevel> level;
  std::atomic<uint64_t> accepted{0};
  uint64_t dropped_told = 0;
  const std::shared_ptr<LineSink> sink;                      // shared with spdlog, which wants it so
  const std::shared_ptr<spdlog::details::thread_pool> pool;  // its end writes what waits and joins the thread
  spdlog::details::thread_pool* const queue;                 // the same, for that thread, which runs until the pool is gone
  const std::shared_ptr<spdlog::async_logger> logger;
};

Result<std::unique_ptr<SpdLogger>> SpdLogger::start(Clock& clock, LogOptions options) {
  if (options.lines_max < kLinesMin || options.lines_max > kLinesMax)
    return Status(ION_E_INVALID, fmt::format("log: wanted space for {} to {} lines, found {}", kLinesMin, kLinesMax, options.lines_max));
  try {
    std::string name = options.name;
    return std::unique_ptr<SpdLogger>(new SpdLogger(std::make_shared<Core>(clock, std::move(options)), std::move(name)));
  } catch (const std::exception& e) {
    return Status(ION_E_OVERLOADED, fmt::format("log: wanted a thread: {}", e.what()));
  }
}

SpdLogger::SpdLogger(std::shared_ptr<Core> core, std::string name) : core_(std::move(core)), name_(std::move(name)) {}
SpdLogger::~SpdLogger() = default;

std::unique_ptr<SpdLogger> SpdLogger::child(std::string_view name) const {
  return std::unique_ptr<SpdLogger>(new SpdLogger(core_, std::string(name)));
}

void SpdLogger::set_level(LogLevel least) { core_->level.store(least, std::memory_order_relaxed); }
LogLevel SpdLogger::level() const { return core_->level.load(std::memory_order_relaxed); }

void SpdLogger::write(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) {
  std::array<LogPart, kLogFieldsMax> parts;
  size_t n = 0;
  for (const LogField& field : fields)
    if (n < parts.size()) parts[n++] = {field.key, field.value};
  write_parts(level, text, {parts.data(), n});
}

void SpdLogger::write(LogLevel level, std::string_view text, std::span<const ion_field> fields) {
  std::array<LogPart, kLogFieldsMax> parts;
  size_t n = 0;
  for (const ion_field& field : fields)
    if (n < parts.size()) parts[n++] = {text_of(field.key), text_of(field.value)};
  write_parts(level, text, {parts.data(), n});
}

void SpdLogger::write_parts(LogLevel level, std::string_view text, std::span<const LogPart> fields) {
  if (level < this->level()) return;
  const std::string line = format_line(core_->options.format, {core_->clock.wall(), level, name_, text, fields});
  core_->accepted.fetch_add(1, std::memory_order_relaxed);
  core_->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

bool SpdLogger::flush(Nanos limit) {
  const uint64_t until = core_->accepted.load(std::memory_order_relaxed);
  return core_->sink->wait(limit, [&](uint64_t written) { return written + core_->dropped() >= until; });
}

}  // namespace ion::base
