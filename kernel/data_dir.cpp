#include "data_dir.h"

#include <ion/bytes.h>

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <span>
#include <utility>

namespace ion {
namespace {

constexpr char kLockFile[] = "ionstreamd.lock";  // holds the number of the process that has it
constexpr char kUnfinishedCopy[] = "unfinished-copy";  // holds where the copy comes from

std::span<const uint8_t> span_of_text(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

// ", process N" as the lock file says; empty when it does not.
std::string holder(Files& files) {
  std::array<uint8_t, 10> text{};
  const auto file = files.open(kLockFile, ION_FILE_READ);
  if (!file) return {};
  const auto n = (*file)->pread(0, text);
  if (!n) return {};
  uint32_t process = 0;
  const char* begin = reinterpret_cast<const char*>(text.data());
  return std::from_chars(begin, begin + *n, process).ec == std::errc() ? fmt::format(", process {}", process) : std::string();
}

}  // namespace

Result<DataDir> DataDir::take(World& world, const std::string& path, uint32_t process) {
  ION_TRY(std::unique_ptr<Files> files, world.files_for(path));
  auto locked = files->open(kLockFile, ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE | ION_FILE_LOCK);
  if (!locked && locked.error().code() == ION_E_BUSY)
    return Status(ION_E_BUSY, fmt::format("data directory {} is in use by another ionstreamd{}", path, holder(*files)));
  if (!locked) return std::move(locked).error();
  // Of one length, so that no rest of an earlier number remains. Words for others: a full disk is no reason not to start.
  if (process != 0) (void)(*locked)->pwrite(0, span_of_text(fmt::format("{:<10}\n", process)));
  return DataDir{std::move(files), *std::move(locked)};
}

Status refuse_unfinished_copy(Files& files, const std::string& path) {
  const auto mark = files.open(kUnfinishedCopy, ION_FILE_READ);
  if (!mark) return mark.error().code() == ION_E_NOT_FOUND ? Status() : mark.error();
  std::array<uint8_t, 4096> text{};
  const auto n = (*mark)->pread(0, text);
  const std::string from(reinterpret_cast<const char*>(text.data()), n ? *n : 0);
  return {ION_E_CONFLICT, fmt::format("data directory {} holds an unfinished copy{}: run `ion storage copy` again, which begins anew, or start with an empty directory",
                                      path, from.empty() ? "" : " of " + from)};
}

Status mark_unfinished_copy(Files& files, const std::string& from) {
  ION_TRY(const std::unique_ptr<File> mark, files.open(kUnfinishedCopy, ION_FILE_WRITE | ION_FILE_CREATE));
  ION_CHECK(mark->pwrite(0, span_of_text(from)));
  ION_CHECK(mark->sync_data());
  ION_CHECK(mark->close());
  return files.sync_dir(".");
}

Status unmark_unfinished_copy(Files& files) {
  ION_CHECK(files.remove(kUnfinishedCopy));
  return files.sync_dir(".");
}

}  // namespace ion
