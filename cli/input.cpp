#include "input.h"

#include "process.h"

#include "record_json.h"

#include <fmt/format.h>

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ion::cli {

namespace {
// By memchr, which is fast where lines are not very short; all of the input passes here.
uint64_t lines_in(std::string_view bytes) {
  uint64_t lines = 0;
  for (size_t at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1)) ++lines;
  return lines;
}
}  // namespace

Result<std::optional<InputFormat::Record>> Input::next() {
  using Found = InputFormat::Step::Found;
  for (;;) {
    if (interrupted_ || stopped_) return std::optional<InputFormat::Record>();
    const std::string_view bytes(buffer_.data() + begin_, end_ - begin_);
    const auto source = ended_ ? InputFormat::Source::kEnded : InputFormat::Source::kOpen;
    InputFormat::Step step = format_.is_json() ? read_json_line(bytes, source) : format_.read(bytes, source);
    starved_ = step.found == Found::kNeedMore;
    if (step.found == Found::kEnd) return std::optional<InputFormat::Record>();
    if (format_.is_json() && (step.found == Found::kMismatch || step.found == Found::kRecord)) count_lines(bytes.substr(0, step.used), step.found);
    if (step.found == Found::kMismatch && format_.is_json()) return Status(ION_E_INVALID, fmt::format("input line {}: {}", line_, step.why));
    if (step.found == Found::kMismatch) return misfit(step);
    if (step.found == Found::kRecord) {
      begin_ += step.used;
      ++records_;
      starved_ = begin_ == end_;
      return std::optional<InputFormat::Record>(std::move(step.record));
    }
    ION_CHECK(fill());
  }
}

// What a record takes ends with its line, unless that is the last one; before a mismatch only blank lines are taken.
void Input::count_lines(std::string_view taken, InputFormat::Step::Found found) {
  lines_ += lines_in(taken);
  line_ = found == InputFormat::Step::Found::kRecord && taken.ends_with('\n') ? lines_ : lines_ + 1;
}

Status Input::misfit(const InputFormat::Step& step) const {
  const size_t at = begin_ + step.used;
  std::string where = fmt::format("input byte {}", passed_ + at);
  if (format_.is_of_lines()) {
    where = fmt::format("input line {}, byte {}", passed_lines_ + lines_in({buffer_.data(), at}) + 1, passed_ + at);
  }
  return {ION_E_INVALID, fmt::format("{}: record {} does not fit the format: {}", where, records_ + 1, step.why)};
}

Status Input::fill() {
  if (begin_ > 0) {
    if (format_.is_of_lines()) passed_lines_ += lines_in({buffer_.data(), begin_});
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    passed_ += begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    if (buffer_.size() >= kRecordBytesMax)
      return {ION_E_INVALID, fmt::format("input byte {}: record {} has no end within {} MiB", passed_, records_ + 1, kRecordBytesMax >> 20), "RECORD_TOO_LARGE"};
    buffer_.resize(buffer_.size() * 2);
  }
  if (!standard_file_given(STDIN_FILENO)) return {ION_E_IO, fmt::format("cannot read stdin: {}", std::strerror(EBADF))};
  pollfd wait[4] = {{STDIN_FILENO, POLLIN, 0}, {ends_.interrupts, POLLIN, 0}, {ends_.stop, POLLIN, 0}, {ends_.output, 0, 0}};
  while (::poll(wait, 4, -1) < 0 && errno == EINTR) {
  }
  if ((wait[3].revents & POLLERR) != 0) return stopped_ = true, Status();
  if (wait[3].revents != 0) return ends_.output = -1, Status();  // a file that cannot be waited for
  if (wait[2].revents != 0) return stopped_ = true, Status();
  if (wait[1].revents != 0) return interrupted_ = true, Status();
  const ssize_t n = ::read(STDIN_FILENO, buffer_.data() + end_, buffer_.size() - end_);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return {};
  if (n < 0) return {ION_E_IO, fmt::format("cannot read stdin: {}", std::strerror(errno))};
  ended_ = n == 0;
  end_ += static_cast<size_t>(n);
  return {};
}

}  // namespace ion::cli
