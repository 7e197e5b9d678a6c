// plugin list (what the broker loaded) and plugin inspect (what a file says about itself, without running it).
#include <fmt/format.h>
#include <ion/elf_notes.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "command.h"
#include "process.h"

namespace ion::cli {

namespace {

// A file as bytes for the time of this value.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Status(errno == ENOENT ? ION_E_NOT_FOUND : ION_E_IO, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
    struct stat about {};
    const bool plain = ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0;
    void* bytes = plain ? ::mmap(nullptr, static_cast<size_t>(about.st_size), PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    ::close(fd);
    if (bytes == MAP_FAILED) return Status(ION_E_INVALID, fmt::format("{} is no plugin: want a file that is not empty", path));
    return MappedFile({static_cast<const uint8_t*>(bytes), static_cast<size_t>(about.st_size)});
  }
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile() {
    if (!bytes_.empty()) ::munmap(const_cast<uint8_t*>(bytes_.data()), bytes_.size());
  }
  std::span<const uint8_t> bytes() const noexcept { return bytes_; }

 private:
  explicit MappedFile(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  std::span<const uint8_t> bytes_;
};

int plugin_list(const Arguments&, const Context& context) {
  auto client = connect(context);
  if (!client) return complain("plugin list", client.error());
  const auto plugins = client->admin().list_plugins(context.timeout);
  if (!plugins) return complain("plugin list", plugins.error());
  constexpr auto kInJson = Column::Shown::kInJson;
  Table table{{{"name"}, {"id"}, {"version"}, {"state"}, {"provides"}, {"needs"}, {"faults"}, {"build", Unit::kNone, kInJson}, {"file", Unit::kNone, kInJson},
               {"sha256", Unit::kNone, kInJson}, {"last_error"}},
              {}};
  for (const client::PluginView& p : *plugins)
    table.rows.push_back({p.name, p.id, p.version, p.state, p.provides, p.needs, p.faults, p.build, p.file, p.sha256, p.last_error});
  return deliver("plugin list", render(table, context.format));
}

void declare_plugin_inspect(OptionSet& options) { options.positionals(1, 1); }

int plugin_inspect(const Arguments& arguments, const Context& context) {
  const std::string& path = arguments.positionals()[0];
  const std::string what = "plugin inspect " + path;
  const auto file = MappedFile::open(path);
  if (!file) return complain(what, file.error());
  const auto notes = read_plugin_notes(file->bytes());
  if (!notes) return complain(what, notes.error());
  const auto libraries = read_elf_libraries(file->bytes());
  if (!libraries) return complain(what, libraries.error());
  Table table{{{"id"}, {"version"}, {"abi"}, {"min_host_minor"}, {"provides"}, {"needs"}, {"libraries"}, {"rpath"}, {"runpath"}, {"schema"}},
              {{notes->id, notes->version, fmt::format("{}.{}", notes->abi_major, notes->abi_minor), uint64_t{notes->min_host_minor}, notes->provides,
                notes->needs, libraries->needed, libraries->rpath, libraries->runpath, notes->schema}},
              Table::Shape::kOne};
  return deliver(what, render(table, context.format));
}

}  // namespace

std::span<const Command> commands_in_plugin() {
  static constexpr Command kCommands[] = {
      {310, "plugin list", "", "What the broker has loaded.", nullptr, plugin_list},
      {311, "plugin inspect", "FILE", "What a plugin file says about itself; its code does not run.", declare_plugin_inspect, plugin_inspect},
  };
  return kCommands;
}

}  // namespace ion::cli
