// plugin new: a project for a plugin, outside of any tree, that builds against this installation.
#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "bench/null_broker.h"
#include "command.h"
#include "plugin_project.h"

namespace ion::cli {
namespace {

namespace fs = std::filesystem;

void declare_plugin_new(OptionSet& options) {
  static const std::string kinds = plugin_kinds();
  options.positionals(1, 1).value("kind", kinds.c_str());
}

Status cannot(const std::string& what) { return {errno == EEXIST ? ION_E_EXISTS : ION_E_IO, fmt::format("{}: {}", what, std::strerror(errno))}; }

// Makes the folder, which must not be there, and everything in it; what a failure leaves half made is taken away again.
Status write_project(const std::string& folder, const std::vector<ProjectFile>& files) {
  if (::mkdir(folder.c_str(), 0777) != 0) return cannot("cannot make " + folder);
  for (const ProjectFile& file : files) {
    const std::string path = folder + "/" + file.path;
    errno = 0;
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(file.text.data(), static_cast<std::streamsize>(file.text.size()));
    if (out.close(), out.good()) continue;
    const Status failed = cannot("cannot write " + path);
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    return failed;
  }
  return {};
}

// A program of this installation as the user may type it: its name when the shell finds this very file by it.
std::string typed(const std::string& name) {
  const auto program = bench::sibling_program(name);
  if (!program) return name;
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "";
  std::error_code ignored;
  for (bool more = true; more;) {
    const size_t end = rest.find(':');
    const fs::path found = fs::path(rest.substr(0, end)) / name;
    if (::access(found.c_str(), X_OK) == 0) return fs::equivalent(found, *program, ignored) ? name : *program;
    more = end != rest.npos;
    if (more) rest.remove_prefix(end + 1);
  }
  return *program;
}

std::string quoted(const std::string& text) {
  const bool plain = text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=:-") == text.npos;
  if (plain) return text;
  std::string made = "'";
  for (const char c : text) made += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return made + "'";
}

// -DCMAKE_PREFIX_PATH=... when CMake would not find this installation by itself. NOT_FOUND: this program is not installed.
Result<std::string> prefix_argument() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path prefix = program.parent_path().parent_path();
  for (const char* lib : {"lib", "lib64", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"})
    if (fs::exists(prefix / lib / "cmake" / "IonStream" / "IonStreamConfig.cmake", ignored))
      return prefix == "/usr" || prefix == "/usr/local" ? std::string() : " " + quoted("-DCMAKE_PREFIX_PATH=" + prefix.string());
  return Status(ION_E_NOT_FOUND, "no lib/cmake/IonStream in " + prefix.string());
}

std::vector<std::string> next_commands(const std::string& name, const std::string& kind) {
  std::vector<std::string> commands;
  const auto prefix = prefix_argument();
  const std::string where = prefix ? *prefix : " -DCMAKE_PREFIX_PATH=DIR";
  if (!prefix) commands.push_back("cmake --install BUILD --prefix DIR");
  commands.push_back(fmt::format("cmake -S {0} -B {0}/build{1}", name, where));
  commands.push_back(fmt::format("cmake --build {}/build", name));
  if (const auto kit = bench::sibling_program("ion-conform"); kit && ::access(kit->c_str(), X_OK) == 0) commands.push_back(fmt::format("ctest --test-dir {}/build --output-on-failure", name));
  std::string broker = quoted(typed("ionstreamd")) + " --dev";
  for (const std::string& setting : loading_settings(name, kind, name + "/build/plugins")) broker += " --set " + quoted(setting);
  commands.push_back(broker);
  return commands;
}

int plugin_new(const Arguments& arguments, const Context& context) {
  const std::string& name = arguments.positionals()[0];
  const std::string what = "plugin new " + name;
  const std::string& kind = arguments.text("kind");
  const auto files = plugin_project(name, kind);
  if (!files) return complain(what, usage(files.error().message()));
  if (const Status written = write_project(name, *files); !written.ok()) return complain(what, written);
  const std::vector<std::string> next = next_commands(name, kind);
  if (context.format == Format::kText)
    return deliver(what, fmt::format("made {}/, a plugin of kind {}; next:\n  {}\n", name, kind, fmt::join(next, "\n  ")));
  std::vector<std::string> paths;
  for (const ProjectFile& file : *files) paths.push_back(name + "/" + file.path);
  Table table{{{"name"}, {"kind"}, {"files"}, {"next"}}, {{name, kind, paths, next}}, Table::Shape::kOne};
  return deliver(what, render(table, context.format));
}

}  // namespace

std::span<const Command> commands_in_plugin_new() {
  static constexpr Command kCommands[] = {
      {313, "plugin new", "NAME --kind KIND", "Makes ./NAME, the project of a new plugin.", declare_plugin_new, plugin_new},
  };
  return kCommands;
}

}  // namespace ion::cli
