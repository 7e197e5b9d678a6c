// Records from stdin: read in large blocks, split by the format without copying. Ends at the end of the input, at a signal, or at
// bytes that do not fit. One thread. Views hold until the next call.
#pragma once
#include <ion/result.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/record_format.h"

namespace ion::cli {

class Input {
 public:
  // What ends it, as descriptors: `interrupts` becomes readable when a signal has come, `stop` when the run has no more use for records;
  // `output` is the pipe of the run's own lines, which somebody may close (-1: there is none).
  struct Ends {
    int interrupts = -1, stop = -1, output = -1;
  };
  Input(InputFormat format, Ends ends) : format_(std::move(format)), ends_(ends), buffer_(kBlockBytes) {}

  // The next record; nothing at the end, after a signal, after a stop or when the output was closed. INVALID says in which line, and at
  // which byte, the input does not fit its format, and why.
  Result<std::optional<InputFormat::Record>> next();
  bool interrupted() const noexcept { return interrupted_; }
  // The next call has to read, and perhaps to wait.
  bool starved() const noexcept { return starved_; }
  uint64_t records() const noexcept { return records_; }
  // Of JSON: the line that the last record stands in, from 1.
  uint64_t line() const noexcept { return line_; }

 private:
  static constexpr size_t kBlockBytes = 1 << 20, kRecordBytesMax = 64 << 20;
  Status fill();
  void count_lines(std::string_view taken, InputFormat::Step::Found found);
  Status misfit(const InputFormat::Step& step) const;

  const InputFormat format_;
  Ends ends_;
  std::vector<char> buffer_;
  size_t begin_ = 0, end_ = 0;
  uint64_t passed_ = 0, records_ = 0;  // bytes before the buffer; records so far
  uint64_t passed_lines_ = 0;          // of text: that end before the buffer
  uint64_t line_ = 0, lines_ = 0;      // of the last record; that are behind us
  bool ended_ = false, interrupted_ = false, stopped_ = false, starved_ = true;
};

}  // namespace ion::cli
