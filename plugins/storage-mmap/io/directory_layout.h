// Names in the data directory, the one place that makes and reads them:
//
//   space-probe                        there for a moment while the disk is full: is there space again?
//   lock  identity  marks              the instance: who may write here, its UUID, the durable marks of all logs
//   logs/p+6f1e...+3/                  one directory per log, its name made fit for a file system ('/' is '+')
//       00000000000000004711.log       a segment: batches from offset 4711 on, then zeros
//       00000000000000004711.index     its sparse index, once it is sealed
//       ahead-12.log                   a segment that is prepared, or in use and not yet named
//       replacement.log  .index        what a compaction writes to take the place of segments
//       00000000000000004711.commit    a compaction that was committed and not finished (segment_rewrite)
//       meta                           what meta_put keeps
//   logs/,gone-7                       a removed log on its way out
#pragma once
#include <ion/ids.h>
#include <ion/result.h>

#include <optional>
#include <string>
#include <string_view>

namespace ion::storage_mmap {

inline constexpr std::string_view kLockPath = "lock";
inline constexpr std::string_view kIdentityPath = "identity";
inline constexpr std::string_view kMarksPath = "marks";
inline constexpr std::string_view kLogsPath = "logs";
inline constexpr std::string_view kSpaceProbePath = "space-probe";
inline constexpr size_t kLogNameMax = 200;

// INVALID with what is wrong: 1 to 200 of a-z A-Z 0-9 . _ - in parts between single '/', no part "." or "..".
Status check_log_name(std::string_view name);

std::string gone_path(uint64_t number);
// The log whose directory has this name in logs/; nothing for others.
std::optional<std::string> log_of_directory(std::string_view directory);
bool is_gone(std::string_view directory) noexcept;

class LogDirectory {
 public:
  explicit LogDirectory(std::string_view log);
  const std::string& path() const noexcept { return path_; }
  std::string segment(Offset base) const;
  std::string index(Offset base) const;
  std::string ahead(uint64_t number) const;
  std::string replacement_log() const { return path_ + "/replacement.log"; }
  std::string replacement_index() const { return path_ + "/replacement.index"; }
  std::string commit(Offset base) const;
  std::string meta() const { return path_ + "/meta"; }
  std::string meta_new() const { return path_ + "/meta.new"; }

  static std::optional<Offset> segment_of(std::string_view file);
  static std::optional<uint64_t> ahead_of(std::string_view file);
  static std::optional<Offset> commit_of(std::string_view file);
  static bool is_replacement(std::string_view file) noexcept { return file.starts_with("replacement."); }

 private:
  std::string path_;
};

}  // namespace ion::storage_mmap
