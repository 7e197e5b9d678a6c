#include "host/plugin_file.h"

#include "host/file_remarks.h"
#include "host/library_rules.h"

#include <tls/sha256.h>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>
#include <boost/dll/shared_library.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <new>

namespace ion::host {
namespace {

namespace fs = std::filesystem;

std::string errno_text(int error) { return std::generic_category().message(error); }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  const int fd_;
};

// Owner root or this user, and nobody else may write. A sticky folder of root (like /tmp) lets nobody replace another's file.
Status check_owner(const struct stat& is, const std::string& path) {
  if (is.st_uid != 0 && is.st_uid != ::geteuid())
    return {ION_E_FORBIDDEN,
            fmt::format("{} belongs to user {}: wanted root or user {}, as whom the broker runs", path, is.st_uid, ::geteuid())};
  const bool sticky = S_ISDIR(is.st_mode) && (is.st_mode & S_ISVTX) != 0 && is.st_uid == 0;
  if ((is.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky)
    return {ION_E_FORBIDDEN,
            fmt::format(
                "{} may be written by its group or by everybody (mode {:04o}), so anyone of them could put code into the broker: "
                "chmod go-w {}",
                path, is.st_mode & 07777, path)};
  return {};
}

// `folder` holds no symbolic link, and after this check nobody else could put one in.
Status check_parents(const fs::path& folder) {
  for (fs::path at = folder;; at = at.parent_path()) {
    struct stat is{};
    if (::lstat(at.c_str(), &is) != 0) return {ION_E_IO, fmt::format("{}: {}", at.string(), errno_text(errno))};
    if (!S_ISDIR(is.st_mode)) return {ION_E_FORBIDDEN, fmt::format("{}: wanted a directory", at.string())};
    ION_CHECK(check_owner(is, at.string()));
    if (at == at.root_path()) return {};
  }
}

Result<std::vector<uint8_t>> read_whole(int fd, uint64_t n, const std::string& path) {
  std::vector<uint8_t> bytes(n);
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t got = ::read(fd, bytes.data() + at, bytes.size() - at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return Status(ION_E_IO, fmt::format("{}: {}", path, got < 0 ? errno_text(errno) : "it became shorter while it was read"));
    at += static_cast<size_t>(got);
  }
  return bytes;
}

// Reads through one descriptor, so that what is checked is what is read. `file` lies in a checked folder.
Result<std::vector<uint8_t>> read_trusted(const std::string& file) {
  const Descriptor fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd.open() && errno == ELOOP)
    return Status(ION_E_FORBIDDEN, fmt::format("{} is a symbolic link: wanted the file itself", file));
  if (!fd.open()) return Status(errno == ENOENT ? ION_E_NOT_FOUND : ION_E_IO, fmt::format("{}: {}", file, errno_text(errno)));
  struct stat is{};
  if (::fstat(fd.get(), &is) != 0) return Status(ION_E_IO, fmt::format("{}: {}", file, errno_text(errno)));
  if (!S_ISREG(is.st_mode)) return Status(ION_E_FORBIDDEN, fmt::format("{}: wanted a regular file", file));
  ION_CHECK(check_owner(is, file));
  if (static_cast<uint64_t>(is.st_size) > kPluginBytesMax)
    return Status(ION_E_INVALID, fmt::format("{} has {} bytes: wanted at most {}", file, is.st_size, kPluginBytesMax));
  return read_whole(fd.get(), static_cast<uint64_t>(is.st_size), file);
}

bool lies_in(const fs::path& folder, const fs::path& directory) {
  const fs::path inside = folder.lexically_relative(directory);
  return !inside.empty() && *inside.begin() != "..";
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

std::string offered(const PluginPlaces& places) {
  constexpr std::string_view kBegin = "ionstream-plugin-", kEnd = ".so";
  std::vector<std::string> names;
  for (const std::string& directory : places.directories) {
    std::error_code error;
    for (fs::directory_iterator at(directory, error), end; !error && at != end && names.size() < 32; at.increment(error)) {
      const std::string file = at->path().filename().string();
      if (file.starts_with(kBegin) && file.ends_with(kEnd))
        names.push_back(file.substr(kBegin.size(), file.size() - kBegin.size() - kEnd.size()));
    }
  }
  std::sort(names.begin(), names.end());
  return joined(names);
}

// The file's path without symbolic links in its folders; the file itself may still be one, open() refuses it.
Result<std::string> locate(const PluginPlaces& places, std::string_view name, std::string_view path) {
  const bool by_name = path.empty() || (path.find('/') == std::string_view::npos && !path.ends_with(".so"));
  const std::string file = by_name ? fmt::format("ionstream-plugin-{}.so", path.empty() ? name : path) : std::string(path);
  for (const std::string& directory : places.directories) {
    std::error_code error;
    const fs::path root = fs::canonical(directory, error);
    if (error) continue;
    const fs::path wanted = root / file;  // an absolute `file` stays as it is
    const fs::path folder = fs::canonical(wanted.parent_path(), error);
    if (error || !lies_in(folder, root)) continue;
    const fs::path whole = folder / wanted.filename();
    if (fs::exists(fs::symlink_status(whole, error))) return whole.string();
  }
  if (by_name)
    return Status(ION_E_NOT_FOUND, fmt::format("wanted a file {} in plugin_host.directories ({}), which hold: {}", file,
                                               joined(places.directories), offered(places)));
  return Status(ION_E_NOT_FOUND,
                fmt::format("wanted {} to be a file inside of plugin_host.directories ({})", file, joined(places.directories)));
}

Status check_allowed(const PluginPlaces& places, std::string_view name, const std::string& sha256) {
  if (places.allow.empty()) return {};
  std::string listed;
  for (const std::string& entry : places.allow) {
    if (entry == fmt::format("{}={}", name, sha256)) return {};
    if (entry.starts_with(fmt::format("{}=", name))) listed = entry.substr(name.size() + 1);
  }
  return {ION_E_FORBIDDEN, fmt::format("plugin_host.allow wants SHA-256 {} of it, the file has {}",
                                       listed.empty() ? "(nothing)" : listed, sha256)};
}

// Our own libraries lie beside the plugins: <folder>/../lib/<name>. Opened by path; then the loader finds them by their SONAME.
Status find_own_libraries(const fs::path& folder, const ElfLibraries& libraries, std::vector<std::string>& names,
                          PluginFile& file) {
  const fs::path lib = folder.parent_path() / "lib";
  for (const std::string& needed : libraries.needed) {
    std::error_code error;
    if (needed.find('/') != std::string::npos || !fs::exists(lib / needed, error)) continue;
    const fs::path whole = fs::canonical(lib / needed, error);
    if (error) return {ION_E_IO, fmt::format("{}: {}", (lib / needed).string(), error.message())};
    ION_CHECK(check_parents(whole.parent_path()));
    struct stat is{};
    if (::lstat(whole.c_str(), &is) != 0) return {ION_E_IO, fmt::format("{}: {}", whole.string(), errno_text(errno))};
    ION_CHECK(check_owner(is, whole.string()));
    names.push_back(needed);
    file.own_libraries.push_back(whole.string());
  }
  return {};
}

Status make_private_dir(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return {ION_E_IO, fmt::format("cannot make {}: {}", path, errno_text(errno))};
  struct stat is{};
  if (::lstat(path.c_str(), &is) != 0) return {ION_E_IO, fmt::format("{}: {}", path, errno_text(errno))};
  if (!S_ISDIR(is.st_mode)) return {ION_E_FORBIDDEN, fmt::format("{}: wanted a directory", path)};
  return check_owner(is, path);
}

Status write_copy(const std::string& folder, const std::string& to, const std::vector<uint8_t>& bytes) {
  const std::string draft = fmt::format("{}.{}.tmp", to, ::getpid());
  (void)::unlink(draft.c_str());
  const Descriptor fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0500));
  if (!fd.open()) return {ION_E_IO, fmt::format("cannot write {}: {}", draft, errno_text(errno))};
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t put = ::write(fd.get(), bytes.data() + at, bytes.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0)
      return {errno == ENOSPC ? ION_E_NO_SPACE : ION_E_IO, fmt::format("cannot write {}: {}", draft, errno_text(errno))};
    at += static_cast<size_t>(put);
  }
  const Descriptor dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (::fsync(fd.get()) != 0 || ::rename(draft.c_str(), to.c_str()) != 0 || !dir.open() || ::fsync(dir.get()) != 0)
    return {ION_E_IO, fmt::format("cannot write {}: {}", to, errno_text(errno))};
  return {};
}

// Boost hides the loader's words in a longer sentence.
std::string loader_text(std::string_view thrown) {
  constexpr std::string_view kBegin = "(dlerror system message: ";
  const size_t at = thrown.find(kBegin), end = thrown.rfind(')');
  std::string words(at == std::string_view::npos || end == std::string_view::npos || end < at
                        ? thrown
                        : thrown.substr(at + kBegin.size(), end - at - kBegin.size()));
  if (words.find("failed to map segment") != std::string::npos) words += " (is the data directory mounted noexec?)";
  return words;
}

// A library that was opened here is never closed: with gRPC or a thread inside, that crashes or does nothing (traps T8-T10, G3).
union OpenForever {
  boost::dll::shared_library library;
  OpenForever() : library() {}
  ~OpenForever() {}
};

Status open_forever(const std::string& path, int flags, OpenForever& to) {
  try {
    to.library.load(path, static_cast<boost::dll::load_mode::type>(flags));  // the throwing form keeps the loader's words
    return {};
  } catch (const boost::dll::fs::system_error& e) {
    return {ION_E_FAILED, loader_text(e.what())};
  } catch (const std::exception& e) {  // seen with this loader; others terminate, which the child shows too
    return {ION_E_FAILED, fmt::format("a static constructor threw: {}", e.what())};
  } catch (...) {
    return {ION_E_FAILED, "a static constructor threw"};
  }
}

}  // namespace

Result<PluginFile> find_plugin(const PluginPlaces& places, std::string_view name, std::string_view path) {
  PluginFile file;
  ION_TRY(file.path, locate(places, name, path));
  const fs::path folder = fs::path(file.path).parent_path();
  ION_CHECK(check_parents(folder));
  ION_TRY(file.bytes, read_trusted(file.path));
  ION_TRY(file.sha256, tls::sha256_hex(file.bytes));
  ION_CHECK(check_allowed(places, name, file.sha256));
  const auto at_file = [&](Status s) { return Status(s.code(), fmt::format("{}: {}", file.path, s.message())); };
  auto notes = read_plugin_notes(file.bytes);
  if (!notes) return at_file(notes.error());
  file.notes = *std::move(notes);
  file.remarks = file_remarks(file.bytes);
  const auto libraries = read_elf_libraries(file.bytes);
  if (!libraries) return at_file(libraries.error());
  std::vector<std::string> own;
  ION_CHECK(find_own_libraries(folder, *libraries, own, file));
  if (Status s = check_libraries(*libraries, own); !s.ok()) return at_file(s);
  return file;
}

Result<std::string> copy_plugin(const PluginFile& file, const std::string& data_dir) {
  std::error_code error;
  fs::create_directories(data_dir, error);
  if (error) return Status(ION_E_IO, fmt::format("cannot make {}: {}", data_dir, error.message()));
  const fs::path root = fs::canonical(data_dir, error) / "plugins";
  const std::string folder = (root / file.sha256).string();
  ION_CHECK(make_private_dir(root.string()));
  ION_CHECK(make_private_dir(folder));
  const std::string to = (fs::path(folder) / fs::path(file.path).filename()).string();
  const auto there = read_copy(to);
  if (there && *there == file.bytes) return to;
  ION_CHECK(write_copy(folder, to, file.bytes));
  return to;
}

Result<std::vector<uint8_t>> read_copy(const std::string& copy) { return read_trusted(copy); }

Result<ion_entry_fn> map_plugin(const std::string& copy) {
  OpenForever open;
  ION_CHECK(open_forever(copy, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE, open));
  if (!open.library.has(ION_ENTRY_SYMBOL)) return Status(ION_E_INVALID, "it exports no " ION_ENTRY_SYMBOL);
  auto& entry = open.library.get<const ion_plugin*(const ion_probe*)>(ION_ENTRY_SYMBOL);
  return reinterpret_cast<ion_entry_fn>(&entry);
}

Status map_library(const std::string& path) {
  OpenForever open;
  return open_forever(path, RTLD_NOW | RTLD_LOCAL, open);
}

}  // namespace ion::host
