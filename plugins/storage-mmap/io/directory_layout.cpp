#include "io/directory_layout.h"

#include <algorithm>
#include <charconv>

namespace ion::storage_mmap {

namespace {
constexpr std::string_view kGonePrefix = ",gone-";
constexpr std::string_view kAheadPrefix = "ahead-";
constexpr std::string_view kSegmentSuffix = ".log";
constexpr std::string_view kCommitSuffix = ".commit";
constexpr size_t kBaseDigits = 20;

bool is_plain(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}
std::string digits_of(Offset base) {
  std::string digits = std::to_string(base.v);
  return std::string(kBaseDigits - std::min(kBaseDigits, digits.size()), '0') + digits;
}
std::optional<uint64_t> number_of(std::string_view digits) {
  uint64_t v = 0;
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), v);
  if (wrong != std::errc() || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  return v;
}
// The base offset in a name of this kind.
std::optional<Offset> base_of(std::string_view file, std::string_view suffix) {
  if (file.size() != kBaseDigits + suffix.size() || !file.ends_with(suffix)) return std::nullopt;
  const auto base = number_of(file.substr(0, kBaseDigits));
  if (!base || *base > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  return Offset{static_cast<int64_t>(*base)};
}
}  // namespace

Status check_log_name(std::string_view name) {
  const auto wrong = [&](std::string_view what) {
    return Status(ION_E_INVALID, "log name \"" + std::string(name.substr(0, kLogNameMax)) + "\": " + std::string(what));
  };
  if (name.empty() || name.size() > kLogNameMax) return wrong("wanted 1 to 200 characters, have " + std::to_string(name.size()));
  for (size_t at = 0; at <= name.size();) {
    const size_t end = std::min(name.find('/', at), name.size());
    const std::string_view part = name.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return wrong("has an empty part, \".\" or \"..\"");
    if (!std::all_of(part.begin(), part.end(), is_plain)) return wrong("wanted only a-z A-Z 0-9 . _ - and '/'");
    at = end + 1;
  }
  return {};
}

std::string gone_path(uint64_t number) {
  return std::string(kLogsPath) + "/" + std::string(kGonePrefix) + std::to_string(number);
}

bool is_gone(std::string_view directory) noexcept { return directory.starts_with(kGonePrefix); }

std::optional<std::string> log_of_directory(std::string_view directory) {
  std::string name(directory);
  std::replace(name.begin(), name.end(), '+', '/');
  if (!check_log_name(name).ok()) return std::nullopt;
  return name;
}

LogDirectory::LogDirectory(std::string_view log) {
  std::string directory(log);
  std::replace(directory.begin(), directory.end(), '/', '+');
  path_ = std::string(kLogsPath) + "/" + directory;
}

std::string LogDirectory::segment(Offset base) const { return path_ + "/" + digits_of(base) + std::string(kSegmentSuffix); }
std::string LogDirectory::index(Offset base) const { return path_ + "/" + digits_of(base) + ".index"; }
std::string LogDirectory::ahead(uint64_t number) const {
  return path_ + "/" + std::string(kAheadPrefix) + std::to_string(number) + std::string(kSegmentSuffix);
}

std::string LogDirectory::commit(Offset base) const { return path_ + "/" + digits_of(base) + std::string(kCommitSuffix); }

std::optional<Offset> LogDirectory::segment_of(std::string_view file) { return base_of(file, kSegmentSuffix); }
std::optional<Offset> LogDirectory::commit_of(std::string_view file) { return base_of(file, kCommitSuffix); }

std::optional<uint64_t> LogDirectory::ahead_of(std::string_view file) {
  if (!file.starts_with(kAheadPrefix) || !file.ends_with(kSegmentSuffix)) return std::nullopt;
  return number_of(file.substr(kAheadPrefix.size(), file.size() - kAheadPrefix.size() - kSegmentSuffix.size()));
}

}  // namespace ion::storage_mmap
