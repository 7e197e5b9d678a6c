// ionstreamd: flags, configuration, the real world and one broker on it. Exit: 0 after a clean stop, 1 when it could not start or serve, 2 for wrong usage.
#include "base/exit_deadline.h"
#include "base/freed_memory.h"
#include "base/posix_files.h"
#include "base/process.h"
#include "base/real_world.h"
#include "config/kernel_config.h"
#include "config_check.h"
#include "config_print.h"
#include "copy_data_dir.h"
#include "host/plugin_probe.h"
#include "kernel.h"

#include <process/limits.h>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace po = boost::program_options;
constexpr char kVersion[] = ION_VERSION;

struct Flags {
  std::string config, data_dir, format, copy_to;
  std::vector<std::string> settings;
  bool dev = false, null = false, check = false, print = false, origins = false, schema = false, version = false, help = false;

  bool starts() const { return !check && !print && !origins; }
};

po::options_description describe(Flags& f) {
  po::options_description d("ionstreamd, the broker of IonStream.\n\nUsage: ionstreamd [options]\n\nOptions");
  d.add_options()
      ("config", po::value(&f.config)->value_name("FILE"), "configuration, JSON with comments; FILE's conf.d/*.jsonc are laid over it")
      ("dev", po::bool_switch(&f.dev), "one node on built-in defaults, plaintext on loopback; a temporary data directory unless --data-dir says one")
      ("data-dir", po::value(&f.data_dir)->value_name("DIR"), "directory of everything durable (node.data_dir)")
      ("set", po::value(&f.settings)->composing()->value_name("KEY=VALUE"), "one setting, as in --set topics.durability=os; may be repeated")
      ("check-config", po::bool_switch(&f.check), "check the configuration and every plugin's section, exit 0 or 1; prints what would be used, or with --format a line that says whether it is valid")
      ("print-config", po::bool_switch(&f.print), "print the configuration that would be used as a file that can be loaded, secrets masked")
      ("print-settings", po::bool_switch(&f.origins), "print each setting that would be used with who said it, secrets masked")
      ("copy-storage-to", po::value(&f.copy_to)->value_name("FILE"), "copy all records and topics into the empty data directory of another configuration, compare them, and exit; no broker may run on either")
      ("format", po::value(&f.format)->value_name("text|json"), "of --check-config and --print-settings; else text")
      ("print-schema", po::bool_switch(&f.schema), "print the JSON Schema of the configuration")
      ("null", po::bool_switch(&f.null), "the null broker: acknowledges everything, stores nothing (the ceiling that `ion bench` measures)")
      ("version", po::bool_switch(&f.version), "print the version")
      ("help,h", po::bool_switch(&f.help), "print this");
  return d;
}

constexpr ion::Nanos kWriteLimit = ion::seconds(2);     // of lines that decide nothing
constexpr ion::Nanos kPrintLimit = ion::seconds(3600);  // of what was asked for: a pager may take its time

// A line for each of what is wrong.
int fail(const ion::Status& status, int code = 1) {
  std::string text = "ionstreamd: " + status.message();
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) text.insert(at + 1, "ionstreamd: ");
  (void)ion::base::write_text(STDERR_FILENO, text + "\n", kWriteLimit);
  return code;
}

// What was asked for and cannot be written is a failure; only a reader that has seen enough is none.
int print(std::string_view text) {
  const ion::Status written = ion::base::write_text(STDOUT_FILENO, text, kPrintLimit);
  return written.ok() || written.code() == ION_E_CLOSED ? 0 : fail(written);
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

// Files beside the configuration that look like overlays and are none: whoever put them there should hear of it.
std::vector<std::string> ignored_overlays(const ion::config::Loaded& loaded, ion::Files& root) {
  std::vector<std::string> ignored;
  if (loaded.files.empty()) return ignored;
  const std::string& file = loaded.files.front();
  const std::string overlays = file.substr(0, file.rfind('/') + 1) + "conf.d";
  const auto entries = root.list(overlays.substr(1));
  if (!entries) return ignored;
  for (const ion::DirEntry& entry : *entries)
    if (!entry.directory && !entry.name.ends_with(".jsonc")) ignored.push_back(overlays + "/" + entry.name);
  return ignored;
}

constexpr char kIgnored[] = "a file in conf.d is not read, the names of overlays end in .jsonc";

ion::BrokerOptions broker_options(const Flags& f) {
  ion::BrokerOptions o;
  o.version = kVersion;
  o.process = ion::base::process_id();
  o.null_broker = f.null;
  return o;
}

constexpr uint64_t kAddressSpaceMin = 1ULL << 30;   // stacks, plugins, and maps of a few segments
constexpr uint64_t kDescriptorsOpen = 8;            // at the start: the standard files and what a shell or supervisor leaves open
constexpr uint64_t kDescriptorsOfBroker = 24;       // event loops of its own and of gRPC, listeners, locks, directories, plugins while they load ...
constexpr uint64_t kDescriptorsOfClients = 16;      // ... and the least with which somebody can be served: connections ...
constexpr uint64_t kDescriptorsOfLogs = 16;         // ... the metadata log, and logs of partitions
constexpr uint32_t kThreadsOfLibraries = 16;        // those of gRPC and of this program beside the ones that are set ...
constexpr uint32_t kThreadsOfLibrariesPerCore = 3;  // ... of which some are counted by cores
constexpr ion::Nanos kLastResort = ion::seconds(5);  // behind the limit that the broker keeps itself

// What this process must have before anything is opened.
ion::Status check_process(const ion::config::KernelConfig& config) {
  ION_CHECK(ion::process::check_address_space(kAddressSpaceMin));
  (void)ion::process::raise_descriptor_limit();
  ION_CHECK(ion::process::check_descriptors(kDescriptorsOfBroker + kDescriptorsOfClients + kDescriptorsOfLogs));
  const uint32_t cores = std::max(1U, std::thread::hardware_concurrency());
  const uint32_t shards = config.threads.shards == 0 ? cores : config.threads.shards;
  return ion::process::check_threads(shards + config.threads.blocking + kThreadsOfLibraries + kThreadsOfLibrariesPerCore * cores);
}

// Everything durable lies in the data directory: in it the lock, below it a directory for the copies of plugins and one for each plugin.
ion::Status check_directories(const ion::config::KernelConfig& config) {
  const std::string& data_dir = config.node.data_dir;
  if (data_dir.empty()) return {};
  ION_CHECK(ion::base::PosixFiles::check(data_dir));
  ION_CHECK(ion::base::PosixFiles::check(data_dir + "/plugins"));
  for (const ion::config::PluginConfig& plugin : config.plugins)
    if (plugin.enabled) ION_CHECK(ion::base::PosixFiles::check(data_dir + "/" + plugin.name));
  return {};
}

// What the machine must give before anything is opened: refused by a start and by a check in the same words.
ion::Status check_start(const ion::config::KernelConfig& config) {
  ION_CHECK(check_process(config));
  return check_directories(config);
}

// At the end of a broker every partition closes its two logs at once; none of that may be refused.
constexpr uint32_t kJobsOfPartition = 4;

// How many maps this system lets a process have; what Linux allows without a setting where it does not say.
uint64_t map_limit(ion::Files& root) {
  constexpr uint64_t kLinuxDefault = 65'530;
  const auto file = root.open("proc/sys/vm/max_map_count", ION_FILE_READ);
  std::array<uint8_t, 32> text{};
  const auto n = file ? (*file)->pread(0, text) : ion::Result<uint64_t>(file.error());
  const char* begin = reinterpret_cast<const char*>(text.data());
  uint64_t limit = 0;
  return n && std::from_chars(begin, begin + *n, limit).ec == std::errc() && limit > 0 ? limit : kLinuxDefault;
}

ion::base::RealWorldOptions world_options(const ion::config::KernelConfig& config, ion::Files& root) {
  ion::base::RealWorldOptions o;
  o.log.format = config.log.format == "json" ? ion::base::LogFormat::kJson : ion::base::LogFormat::kText;
  o.log.level = ion::log_level(config.log);
  o.shards = config.threads.shards;
  o.shard_queue = config.threads.shard_queue;
  o.blocking_threads = config.threads.blocking;
  o.blocking_jobs = std::max(o.blocking_jobs, config.limits.partitions_max * kJobsOfPartition);
  o.descriptors = ion::process::raise_descriptor_limit();
  o.maps = map_limit(root);
  o.descriptors_kept = kDescriptorsOpen + kDescriptorsOfBroker + kDescriptorsOfClients;
  return o;
}

// Until SIGTERM or SIGINT.
void live(ion::Broker& broker, ion::World& world, const Flags& f, ion::Files& root) {
  for (int signal = world.next_signal(); ; signal = world.next_signal()) {
    if (signal != SIGHUP) return world.logger().info("the broker was told to stop", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
    const auto next = load(f, root);
    if (next) broker.reload(*next);
    else world.logger().error("SIGHUP: the configuration is not good, the broker goes on with the one it has", {{"why", next.error().message()}});
  }
}

int serve(const ion::config::Loaded& loaded, const Flags& f, ion::Files& root) {
  auto deadline = ion::base::ExitDeadline::start([] {
    (void)fail({ION_E_DEADLINE, fmt::format("the stop did not end within {:g} s and is given up; nothing that was acknowledged is lost", ion::kStopLimit.seconds())});
    ion::base::leave_process(1);
  });
  if (!deadline) return fail(deadline.error());
  auto memory = ion::base::FreedMemory::start();
  if (!memory) return fail(memory.error());
  auto world = ion::base::RealWorld::start(world_options(loaded.kernel, root));
  if (!world) return fail(world.error());
  for (const std::string& file : ignored_overlays(loaded, root)) (*world)->logger().warn(kIgnored, {{"file", file}});
  ion::BrokerOptions options = broker_options(f);
  options.stopping = [&] { (*deadline)->arm(ion::Nanos{ion::kStopLimit.n + kLastResort.n}); };
  auto broker = ion::Broker::start(loaded, options, **world);
  if (!broker) {
    const ion::Status why = broker.error();
    world->reset();  // the log ends first, so that the cause is the last line
    return fail(why);
  }
  if (const ion::Status told = ion::base::write_text(STDOUT_FILENO, (*broker)->ready_line() + "\n", kWriteLimit); !told.ok())
    (*world)->logger().warn("the ready line could not be written", {{"why", told.text()}});
  live(**broker, **world, f, root);
  const ion::Status stopped = (*broker)->stop();
  return stopped.ok() ? 0 : fail(stopped);
}

// The storage of this configuration into that of another one.
int copy_storage(const ion::config::Loaded& from, const Flags& f, ion::Files& root) {
  Flags other;
  other.config = f.copy_to;
  const auto to = load(other, root);
  if (!to) return fail(to.error(), 2);
  if (const ion::Status able = check_directories(to->kernel); !able.ok()) return fail(able);
  auto world = ion::base::RealWorld::start(world_options(from.kernel, root));
  if (!world) return fail(world.error());
  // What is there of a copy says itself that it is unfinished, and nothing of the source is written on.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) (void)std::signal(signal, SIG_DFL);
  const auto say = [](const std::string& line) { (void)ion::base::write_text(STDERR_FILENO, "ionstreamd: " + line + "\n", kWriteLimit); };
  const auto copied = ion::copy_data_dir(from, *to, broker_options(f), **world, say);
  return copied ? print(fmt::format("copied {} logs with {} batches, {} bytes, from {} to {}, and compared them\n", copied->logs, copied->batches, copied->bytes,
                                              from.kernel.node.data_dir, to->kernel.node.data_dir))
                          : fail(copied.error());
}

// What a start would judge, in the same words. Only a check asks what the machine gives: to look at a configuration needs none of it.
ion::Result<ion::config::ConfigSnapshot> judge(const Flags& f, ion::Files& root) {
  ION_TRY(const ion::config::Loaded loaded, load(f, root));
  if (f.check) ION_CHECK(check_start(loaded.kernel));
  for (const std::string& file : ignored_overlays(loaded, root))
    (void)ion::base::write_text(STDERR_FILENO, fmt::format("ionstreamd: {}: {}\n", file, kIgnored), kWriteLimit);
  return ion::check_config(loaded, broker_options(f));
}

// Errors on stderr; on stdout what would be used, the verdict, or what was asked for.
int look_at_configuration(const Flags& f, ion::Files& root) {
  const ion::PrintFormat format = f.format == "json" ? ion::PrintFormat::kJson : ion::PrintFormat::kText;
  const auto judged = judge(f, root);
  const int code = judged ? 0 : fail(judged.error());
  if (f.check && f.format.empty()) return judged ? print(judged->print()) : code;
  if (f.check) {
    const std::string name = !f.config.empty() ? f.config : f.dev || f.null ? "built-in defaults" : "no configuration";
    return std::max(code, print(ion::print_verdict(name, judged ? ion::Status() : judged.error(), format)));
  }
  if (!judged) return code;
  return print(f.print ? judged->print() : ion::print_settings(*judged, format));
}

int run(const Flags& f) {
  auto root = ion::base::PosixFiles::open("/");
  if (!root) return fail(root.error());
  if (!f.starts()) return look_at_configuration(f, **root);
  auto loaded = load(f, **root);
  if (!loaded) return fail(loaded.error(), 2);
  if (const ion::Status able = check_start(loaded->kernel); !able.ok()) return fail(able);
  if (!f.copy_to.empty()) return copy_storage(*loaded, f, **root);
  if (!loaded->kernel.node.data_dir.empty()) return serve(*loaded, f, **root);
  if (!f.dev && !f.null) return fail(ion::Status(ION_E_INVALID, "no data directory: say --data-dir DIR, node.data_dir in the configuration, or --dev"), 2);
  auto made = ion::base::make_temporary_directory("ionstream-dev", "ionstreamd.lock");
  if (!made) return fail(made.error());
  loaded->kernel.node.data_dir = *made;
  const int code = serve(*loaded, f, **root);
  ion::base::remove_tree(*made);
  return code;
}

int parse_and_run(int argc, char** argv) {
  Flags flags;
  const po::options_description options = describe(flags);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(argc, argv).options(options).positional(po::positional_options_description()).run(), values);
    po::notify(values);
    // A variable that is not set must not lead to another place than the one that was meant.
    for (const auto& [name, value] : values)
      if (const auto* text = boost::any_cast<std::string>(&value.value()); text != nullptr && text->empty())
        return fail(ion::Status(ION_E_INVALID, fmt::format("--{}: its value is empty", name)), 2);
  } catch (const po::error& e) {
    return fail(ion::Status(ION_E_INVALID, fmt::format("{}; see ionstreamd --help", e.what())), 2);
  }
  if (flags.check + flags.print + flags.origins > 1)
    return fail(ion::Status(ION_E_INVALID, "want one of --check-config, --print-config and --print-settings"), 2);
  if (!flags.format.empty() && flags.format != "text" && flags.format != "json")
    return fail(ion::Status(ION_E_INVALID, fmt::format("--format: want text or json, have \"{}\"", flags.format)), 2);
  if (!flags.format.empty() && !flags.check && !flags.origins)
    return fail(ion::Status(ION_E_INVALID, "--format goes with --check-config or --print-settings"), 2);
  if (flags.help) {
    std::ostringstream text;
    text << options << '\n';
    return print(text.str());
  }
  if (flags.version) return print(fmt::format("ionstreamd {}\n", kVersion));
  if (flags.schema) return print(ion::config::print_schema());
  return run(flags);
}

}  // namespace

int main(int argc, char** argv) {
  ion::base::open_standard_files();
  ion::process::ignore_write_signals();
  if (const ion::Status enough = ion::process::check_stack(); !enough.ok()) ion::base::leave_process(fail(enough));
  if (argc > 1 && std::string_view(argv[1]) == "--probe") return ion::host::probe_main(argc, argv);
  ion::base::tell_uncaught_exceptions();
  ion::base::tell_crashes();
  ion::process::keep_freed_memory();
  // Static destructors of libraries race with their threads; everything of ours is stopped and flushed.
  ion::base::leave_process(parse_and_run(argc, argv));
}
