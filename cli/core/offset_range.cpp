#include "core/offset_range.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace ion::cli {

namespace {

using Base = OffsetPoint::Base;

Status wrong(std::string_view text) {
  return Status(ION_E_INVALID, "want start, end, N, +N, -N, a range such as 10:20, or @TIME, have \"" + std::string(text) + "\"");
}

std::optional<int64_t> digits(std::string_view text) {
  int64_t n = 0;
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

std::optional<OffsetPoint> point(std::string_view text) {
  if (text == "start" || text == "oldest") return OffsetPoint{Base::kStart, 0};
  if (text == "end" || text == "newest") return OffsetPoint{Base::kEnd, 0};
  if (text.empty()) return std::nullopt;
  const char sign = text.front();
  const auto n = digits(sign == '+' || sign == '-' ? text.substr(1) : text);
  if (!n) return std::nullopt;
  if (sign == '+') return OffsetPoint{Base::kStart, *n};
  if (sign == '-') return OffsetPoint{Base::kEnd, -*n};
  return OffsetPoint{Base::kZero, *n};
}

// Never beyond the log, and no sum can wrap.
int64_t place(const OffsetPoint& p, const LogEnds& log) {
  const int64_t length = log.end - log.start;
  if (p.base == Base::kZero) return p.distance;
  if (p.base == Base::kStart) return log.start.v + std::min(p.distance, length);
  return log.end.v - std::min(-p.distance, length);
}

std::string held(const LogEnds& log) {
  if (log.start == log.end) return "the log holds no records, the next one is " + std::to_string(log.end.v);
  return "the log holds " + std::to_string(log.start.v) + " up to " + std::to_string(log.end.v) + " (exclusive)";
}

bool is_reversed(const OffsetPoint& from, const OffsetPoint& until) { return until.base == from.base && until.distance < from.distance; }
// Whatever the log holds: nothing lies behind its end or before its start.
bool is_empty(const OffsetPoint& from, const OffsetPoint& until) {
  const bool from_end = from.base == Base::kEnd && from.distance == 0, until_start = until.base != Base::kEnd && until.distance == 0;
  return from == until || from_end || until_start;
}

}  // namespace

Result<OffsetRange> OffsetRange::parse(std::string_view text) {
  OffsetRange range;
  if (const auto whole = point(text)) return range.from_ = *whole, range;
  const size_t colon = text.find(':'), dash = text.find('-', 1);
  if (text.empty() || (colon == std::string_view::npos && dash == std::string_view::npos)) return wrong(text);
  const std::string_view left = text.substr(0, colon != std::string_view::npos ? colon : dash);
  const std::string_view right = text.substr((colon != std::string_view::npos ? colon : dash) + 1);
  if (colon == std::string_view::npos && (!digits(left) || !digits(right))) return wrong(text);
  const std::optional<OffsetPoint> from = left.empty() && !right.empty() ? OffsetPoint{Base::kStart, 0} : point(left);
  const auto until = point(right);
  if (!from || (!until && !right.empty())) return wrong(text);
  range.from_ = *from, range.until_ = until;
  if (until && is_reversed(*from, *until)) return Status(ION_E_INVALID, "the range \"" + std::string(text) + "\" ends before it begins");
  if (until && is_empty(*from, *until)) return Status(ION_E_INVALID, "the range \"" + std::string(text) + "\" is empty: its end is the first offset that is not read");
  return range;
}

bool OffsetRange::needs_ends() const noexcept { return until_ || from_.base == Base::kZero || from_.distance != 0; }

Result<OffsetRange::Span> OffsetRange::within(const LogEnds& log) const {
  const int64_t from = place(from_, log);
  // A log that begins behind the range is past it: there is nothing to read, and nothing is wrong.
  if (until_ && place(*until_, log) <= log.start.v && from <= log.start.v) return Span{log.start, log.start};
  if (from < log.start.v || from > log.end.v) return Status(ION_E_OUT_OF_RANGE, "offset " + std::to_string(from) + " is not there: " + held(log));
  Span span{Offset{from}, std::nullopt};
  if (until_) span.until = std::max(span.from, std::min(Offset{place(*until_, log)}, log.end));  // what is not there yet is not waited for
  return span;
}

}  // namespace ion::cli
