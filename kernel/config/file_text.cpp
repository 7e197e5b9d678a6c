#include "config/file_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ion::config {
namespace {

std::string_view below_root(std::string_view absolute) {
  ION_ASSERT(absolute.starts_with('/'));
  return absolute.substr(1);
}

// The port names the path below its root "/" (so with two slashes) or not at all; an operator wants the one that was given, once.
Status naming(std::string_view path, const Status& status) {
  if (status.message().starts_with(fmt::format("/{}:", path))) return {status.code(), status.message().substr(1)};
  if (status.message().starts_with(fmt::format("{}:", path))) return status;
  return {status.code(), fmt::format("{}: {}", path, status.message())};
}

}  // namespace

std::string absolute_path(std::string_view path, std::string_view directory) {
  std::vector<std::string_view> parts;
  const auto walk = [&](std::string_view rest) {
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('/'), rest.size());
      const std::string_view part = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (part.empty() || part == ".") continue;
      if (part != "..") parts.push_back(part);
      else if (!parts.empty()) parts.pop_back();
    }
  };
  if (!path.starts_with('/')) walk(directory);
  walk(path);
  return fmt::format("/{}", fmt::join(parts, "/"));
}

std::string directory_of(std::string_view absolute) {
  const size_t slash = absolute.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? "/" : std::string(absolute.substr(0, slash));
}

Result<std::string> read_text(Files& root, std::string_view path, uint64_t bytes_max) {
  const auto named = [&](const Status& s) { return naming(path, s); };
  Result<std::unique_ptr<File>> file = root.open(below_root(path), ION_FILE_READ);
  if (!file) return named(file.error());
  const Result<uint64_t> length = (*file)->length();
  if (!length) return named(length.error());
  if (*length > bytes_max) return Status(ION_E_INVALID, fmt::format("{}: wanted at most {} bytes, found {}", path, bytes_max, *length));
  std::string text(*length, '\0');
  const Result<uint64_t> got = (*file)->pread(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()});
  if (!got) return named(got.error());
  text.resize(*got);
  return text;
}

Result<std::vector<std::string>> list_files(Files& root, std::string_view directory, std::string_view ending) {
  Result<std::vector<DirEntry>> entries = root.list(below_root(directory));
  std::vector<std::string> paths;
  if (!entries && entries.error().code() == ION_E_NOT_FOUND) return paths;
  if (!entries) return naming(directory, entries.error());
  for (const DirEntry& entry : *entries)
    if (!entry.directory && entry.name.ends_with(ending)) paths.push_back(absolute_path(entry.name, directory));
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace ion::config
