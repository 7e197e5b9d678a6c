// ionstreamd: flags, configuration, one kernel. Exit: 0 after a clean stop, 1 when it could not start or serve, 2 for wrong usage.
#include "base/posix_files.h"
#include "base/process.h"
#include "config/kernel_config.h"
#include "host/plugin_probe.h"
#include "kernel.h"

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

namespace {

namespace po = boost::program_options;
constexpr char kVersion[] = ION_VERSION;

struct Flags {
  std::string config, data_dir;
  std::vector<std::string> settings;
  bool dev = false, null = false, check = false, print = false, schema = false, version = false, help = false;
};

po::options_description describe(Flags& f) {
  po::options_description d("ionstreamd, the broker of IonStream.\n\nUsage: ionstreamd [options]\n\nOptions");
  d.add_options()
      ("config", po::value(&f.config)->value_name("FILE"), "configuration, JSON with comments; FILE's conf.d/*.jsonc are laid over it")
      ("dev", po::bool_switch(&f.dev), "one node on built-in defaults, plaintext on loopback; a temporary data directory unless --data-dir says one")
      ("data-dir", po::value(&f.data_dir)->value_name("DIR"), "directory of everything durable (node.data_dir)")
      ("set", po::value(&f.settings)->composing()->value_name("KEY=VALUE"), "one setting, as in --set topics.durability=os; may be repeated")
      ("check-config", po::bool_switch(&f.check), "check the configuration and every plugin's section, print it, exit 0 or 1")
      ("print-config", po::bool_switch(&f.print), "print the configuration that would be used, secrets masked")
      ("print-schema", po::bool_switch(&f.schema), "print the JSON Schema of the configuration")
      ("null", po::bool_switch(&f.null), "the null broker: acknowledges everything, stores nothing (the ceiling that `ion bench` measures)")
      ("version", po::bool_switch(&f.version), "print the version")
      ("help,h", po::bool_switch(&f.help), "print this");
  return d;
}

int fail(const ion::Status& status, int code = 1) {
  std::fflush(stdout);
  fmt::print(stderr, "ionstreamd: {}\n", status.message());
  return code;
}

ion::Result<ion::config::Loaded> load(const Flags& f, ion::Files& root) {
  ion::config::LoadRequest request;
  request.config_path = f.config;
  request.dev = f.dev || f.null;
  request.data_dir = f.data_dir;
  request.settings = f.settings;
  request.environment = ion::base::environment();
  ION_TRY(request.working_dir, ion::base::working_directory());
  ION_TRY(const std::string program, ion::base::program_directory());
  request.plugin_directories = {program + "/../plugins", program + "/../lib/ionstream/plugins", "/usr/lib/ionstream/plugins"};
  request.root = &root;
  if (f.null) request.settings.insert(request.settings.begin(), {"plugins.storage-mmap.enabled=false", "plugins.consensus-single.enabled=false",
                                                                   "plugins.partition-router.enabled=false"});
  return ion::config::load(request);
}

int serve(const ion::config::Loaded& loaded, const Flags& f, bool temporary) {
  ion::KernelOptions options;
  options.null_broker = f.null;
  options.own_data_dir = temporary;
  options.version = kVersion;
  auto kernel = ion::Kernel::start(loaded, options);
  if (!kernel) return fail(kernel.error());
  fmt::print("{}\n", (*kernel)->ready_line());
  std::fflush(stdout);
  (void)(*kernel)->wait();
  const ion::Status stopped = (*kernel)->stop();
  if (temporary) ion::base::remove_tree(loaded.kernel.node.data_dir);
  if (!stopped.ok()) {
    (void)std::move(*kernel).release();  // something still runs: destroying what it uses would be worse than leaving
    return fail(stopped);
  }
  return 0;
}

int run(const Flags& f) {
  auto root = ion::base::PosixFiles::open("/");
  if (!root) return fail(root.error());
  auto loaded = load(f, **root);
  if (!loaded) return fail(loaded.error(), f.check ? 1 : 2);
  if (f.check || f.print) {
    auto checked = ion::Kernel::check(*loaded);
    if (!checked) return fail(checked.error());
    fmt::print("{}", checked->print());
    return 0;
  }
  bool temporary = false;
  if (loaded->kernel.node.data_dir.empty()) {
    if (!f.dev && !f.null) return fail(ion::Status(ION_E_INVALID, "no data directory: say --data-dir DIR, node.data_dir in the configuration, or --dev"), 2);
    auto made = ion::base::make_temporary_directory("ionstream-");
    if (!made) return fail(made.error());
    loaded->kernel.node.data_dir = *made;
    temporary = true;
  }
  return serve(*loaded, f, temporary);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--probe") return ion::host::probe_main(argc, argv);
  ion::base::keep_freed_memory();
  Flags flags;
  const po::options_description options = describe(flags);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(argc, argv).options(options).positional(po::positional_options_description()).run(), values);
    po::notify(values);
  } catch (const po::error& e) {
    fmt::print(stderr, "ionstreamd: {}; see ionstreamd --help\n", e.what());
    return 2;
  }
  if (flags.help) {
    std::cout << options << '\n';
    return 0;
  }
  if (flags.version) {
    fmt::print("ionstreamd {}\n", kVersion);
    return 0;
  }
  if (flags.schema) {
    fmt::print("{}", ion::config::print_schema());
    return 0;
  }
  const int code = run(flags);
  // Static destructors of libraries race with their threads; everything of ours is stopped and flushed.
  std::fflush(stdout);
  std::fflush(stderr);
  ion::base::leave_process(code);
}
