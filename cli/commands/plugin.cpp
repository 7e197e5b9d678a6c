// plugin list and info (what the broker loaded) and plugin inspect (what a file says about itself, without running it).
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

// The settings that somebody made stand first and are marked, so that a default is not taken for a wish.
Table setting_table(const client::PluginView& p) {
  Table table{{{"key"}, {"value"}, {"origin", Unit::kNone, Column::Shown::kAlways, "from"}}, {}};
  for (const client::Setting& s : p.config)
    table.rows.push_back({s.key, s.value, std::string(s.origin == client::Setting::Origin::kUser ? "configured" : "default")});
  return table;
}

std::vector<Table> interceptor_tables(const client::PluginView& p) {
  if (!p.interceptor) return {};
  const client::InterceptorView& i = *p.interceptor;
  const auto wall = Column::Shown::kAlways;
  return {Table{{{"hooks"}, {"calls"}, {"slow"}, {"failed"}, {"rejected"}, {"dropped"}, {"passed_over"}, {"breaker"},
                 {"breaker_since_ms", Unit::kWallMs, wall, "breaker_since"}, {"breaker_until_ms", Unit::kWallMs, wall, "breaker_until"}},
                {{i.hooks, i.calls, i.slow, i.failed, i.rejected, i.dropped, i.passed_over, i.breaker, i.breaker_since_ms,
                  i.breaker_until_ms ? Cell(*i.breaker_until_ms) : Cell()}},
                Table::Shape::kOne}};
}

Table info_table(const client::PluginView& p) {
  Table table{{{"name"}, {"id"}, {"version"}, {"abi"}, {"build"}, {"state"}, {"faults"}, {"last_error"}, {"provides"}, {"needs"}, {"file"}, {"sha256"},
               {"interceptor"}, {"config"}, {"generation"}, {"remarks"}, {"leases"}, {"leased_bytes", Unit::kBytes}, {"oldest_lease_ms"}},
              {{p.name, p.id, p.version, p.abi, p.build, p.state, p.faults, p.last_error, p.provides, p.needs, p.file, p.sha256, Cell(), std::vector<Table>{setting_table(p)}, uint64_t{p.generation}, p.remarks,
                p.leases, p.leased_bytes, p.oldest_lease_ms ? Cell(*p.oldest_lease_ms) : Cell()}},
              Table::Shape::kOne};
  if (p.interceptor) table.rows[0][12] = interceptor_tables(p);
  else table.columns[12].shown = Column::Shown::kInJson;
  return table;
}

void declare_plugin_info(OptionSet& options) { options.positionals(1, 64); }

// Text is one object below the other; JSON a list of them, also of one.
int plugin_info(const Arguments& arguments, const Context& context) {
  auto client = connect(context);
  if (!client) return complain("plugin info", client.error());
  Table all{info_table({}).columns, {}};
  std::string text;
  int worst = kDone;
  for (const std::string& name : arguments.positionals()) {
    const auto plugin = client->admin().describe_plugin(name, context.timeout);
    if (!plugin) {
      worst = std::max(worst, complain("plugin info " + name, plugin.error()));
      continue;
    }
    Table table = info_table(*plugin);
    if (context.format == Format::kText) text += (text.empty() ? "" : "\n") + render(table, Format::kText);
    all.rows.push_back(std::move(table.rows[0]));
  }
  const size_t failed = arguments.positionals().size() - all.rows.size();
  const int code = worst == kNotAllowed || worst == kNoBroker ? worst : exit_of(failed, arguments.positionals().size());
  if (all.rows.empty() && context.format == Format::kText) return code;
  return deliver("plugin info", context.format == Format::kJson ? render(all, Format::kJson) : text, code);
}

void declare_plugin_replace(OptionSet& options) { options.positionals(1, 2); }

int plugin_replace(const Arguments& arguments, const Context& context) {
  const std::string& name = arguments.positionals()[0];
  const std::string path = arguments.positionals().size() > 1 ? arguments.positionals()[1] : std::string();
  const std::string what = "plugin replace " + name;
  auto client = connect(context);
  if (!client) return complain(what, client.error());
  const auto done = client->admin().replace_plugin(name, path, context.timeout);
  if (!done) return complain(what, done.error());
  if (done->other_at_restart)
    say(fmt::format("ion: {}: a restart loads what the configuration says, which is another file: set plugins.{}.path to {}\n", what, name, done->file));
  if (done->old_stays) say(fmt::format("ion: {}: the old generation did not end in time; it is asked nothing more and stays in the broker's memory\n", what));
  Table table{{{"name"}, {"generation"}, {"version"}, {"old_version"}, {"file"}, {"old_stays"}, {"other_at_restart"}},
              {{name, uint64_t{done->generation}, done->version, done->old_version, done->file, std::string(done->old_stays ? "yes" : "no"), std::string(done->other_at_restart ? "yes" : "no")}},
              Table::Shape::kOne};
  return deliver(what, render(table, context.format));
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
      {311, "plugin info", "NAME...", "All that the broker knows of a plugin: its settings, and what an interceptor did.", declare_plugin_info, plugin_info},
      {314, "plugin replace", "NAME [FILE]", "Puts another version of an interceptor or router in the place of the one that serves, without a pause.", declare_plugin_replace,
       plugin_replace},
      {312, "plugin inspect", "FILE", "What a plugin file says about itself; its code does not run.", declare_plugin_inspect, plugin_inspect},
  };
  return kCommands;
}

}  // namespace ion::cli
