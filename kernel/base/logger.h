// The log of the process: lines to stderr, written by one thread of spdlog behind a bounded queue, so that a slow terminal or a
// full pipe never holds up a shard. When the queue is full the oldest lines go, and a line says how many.
// A child has its own name ("partition", "plugin/storage-mmap") and shares everything else, the level too.
// Thread: any. The output runs on the log's thread only. What the process says as it dies must be flushed first.
#pragma once
#include "base/log_line.h"

#include <ion/ports.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ion::base {

using LogOutput = std::function<void(std::string_view line)>;  // with its end of line
void write_to_stderr(std::string_view line);

struct LogOptions {
  LogFormat format = LogFormat::kText;
  LogLevel level = LogLevel::kInfo;
  uint32_t lines_max = 8192;  // waiting for the output
  std::string name = "kernel";
  LogOutput output = &write_to_stderr;
};

class SpdLogger final : public Logger {
 public:
  static Result<std::unique_ptr<SpdLogger>> start(Clock& clock, LogOptions options);
  ~SpdLogger() override;  // the last one of the family waits until every line is out

  void write(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) override;
  void write(LogLevel level, std::string_view text, std::span<const ion_field> fields);  // what a plugin sends

  std::unique_ptr<SpdLogger> child(std::string_view name) const;
  const std::string& name() const noexcept { return name_; }

  void set_level(LogLevel least);  // of the whole family
  LogLevel level() const;
  // Waits until the lines written so far are out or dropped. False: the limit passed first, the output hangs.
  bool flush(Nanos limit);

 private:
  struct Core;
  SpdLogger(std::shared_ptr<Core> core, std::string name);
  void write_parts(LogLevel level, std::string_view text, std::span<const LogPart> fields);

  // Shared by the family: an instance of a plugin may log after the kernel has let go of its own logger.
  const std::shared_ptr<Core> core_;
  const std::string name_;
};

}  // namespace ion::base
