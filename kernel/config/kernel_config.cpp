#include "config/kernel_config.h"

#include "config/config_sources.h"
#include "config/file_text.h"
#include "config/key_path.h"
#include "config/schema_check.h"
#include "config/substitution.h"

#include <fmt/format.h>
#include <ion/units.h>

#include <algorithm>

namespace ion::config {
namespace {

constexpr size_t kPluginNameBytesMax = 64;
constexpr int64_t kSha256HexBytes = 64;

// What --dev runs on; the order of `plugins` has no meaning here, none of them is an interceptor.
constexpr std::string_view kDevConfig = R"({
  "plugins": {
    "partition-router": {"enabled": true},
    "storage-mmap": {"enabled": true},
    "consensus-single": {"enabled": true},
    "transport-grpc": {"enabled": true}
  }
})";

// Our own text: that it parses is proved by every test.
Node parsed(std::string_view text, std::string_view name) {
  Result<Node> node = parse_jsonc(text, Origin{Layer::kDefault, std::string(name), 0});
  ION_ASSERT(node.has_value());
  return *std::move(node);
}

template <class C>
void add_section(Node& properties, std::string_view name) {
  properties.member(name) = parsed(schema_of<C>(), name);
}

// What rows cannot say: free keys, and sections inside sections.
Node plugin_entry_schema() {
  Node entry = parsed(schema_of<PluginConfig>(), "plugins");
  Node& properties = entry.member("properties");
  add_section<BreakerConfig>(properties, "breaker");
  properties.member("config") =
      parsed(R"({"type": "object", "default": {}, "description": "Checked against the schema in the plugin's file."})", "config");
  return entry;
}

Result<Node> root_schema(const std::vector<ModuleSection>& modules) {
  Node root = parsed(R"({"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ionstreamd", "type": "object",
                         "additionalProperties": false,
                         "properties": {"$schema": {"type": "string", "description": "For editors; not read."}}})",
                     "schema");
  Node& properties = root.member("properties");
  add_section<NodeConfig>(properties, "node");
  add_section<LogConfig>(properties, "log");
  add_section<ThreadsConfig>(properties, "threads");
  add_section<PluginHostConfig>(properties, "plugin_host");
  properties.member("plugin_host").member("properties").member("allow") =
      parsed(R"({"type": "object", "additionalProperties": {"type": "string", "minLength": 64},
                 "description": "Plugin name to SHA-256 of its file; when not empty, nothing else loads."})",
             "allow");
  add_section<LimitsConfig>(properties, "limits");
  add_section<TopicsConfig>(properties, "topics");
  for (const ModuleSection& module : modules) {
    ION_ASSERT(properties.find(module.name) == nullptr);
    ION_TRY(Node section, parse_jsonc(module.schema, Origin{Layer::kDefault, "schema of " + module.name, 0}));
    properties.member(module.name) = std::move(section);
  }
  Node& plugins = properties.member("plugins");
  plugins = parsed(R"({"type": "object", "description": "What is loaded; the order is the order of interceptors."})", "plugins");
  plugins.member("additionalProperties") = plugin_entry_schema();
  return root;
}

// From the lowest layer to the highest.
Node merged_sources(const LoadRequest& request, const Schema& schema, std::vector<std::string>& files, Problems& problems) {
  Node tree = request.dev ? parsed(kDevConfig, "--dev") : make_object({}, {});
  if (!request.plugin_directories.empty()) {
    Node& directories = tree.member("plugin_host");
    directories = make_object("plugin_host", {});
    Node& list = directories.member("directories");
    list.kind = Kind::kList;
    for (size_t i = 0; i < request.plugin_directories.size(); ++i)
      list.items.push_back(make_text(request.plugin_directories[i], item_path(list.path, i), {}));
  }
  if (!request.config_path.empty() && request.root == nullptr) problems.add("--config: no files are offered here");
  if (!request.config_path.empty() && request.root != nullptr)
    add_files(tree, *request.root, absolute_path(request.config_path, request.working_dir), files, problems);
  // Names in variables may mean keys of the files: after a broken file they would all be called unknown.
  if (problems.empty()) add_environment(tree, schema, request.environment, problems);
  for (const std::string& setting : request.settings) add_setting(tree, setting, problems);
  if (!request.data_dir.empty()) add_flag(tree, "--data-dir", "node.data_dir", request.data_dir, problems);
  substitute(tree, {request.environment, request.working_dir, request.root}, problems);
  return tree;
}

std::vector<PluginConfig> read_plugins(const Node& section) {
  std::vector<PluginConfig> plugins;
  for (const Member& m : section.members) {
    PluginConfig plugin = read_rows<PluginConfig>(m.value);
    plugin.name = m.key;
    if (plugin.path.empty()) plugin.path = m.key;
    plugin.breaker = read_rows<BreakerConfig>(*m.value.find("breaker"));
    plugin.config = *m.value.find("config");
    plugins.push_back(std::move(plugin));
  }
  return plugins;
}

KernelConfig read_kernel(const Node& tree) {
  KernelConfig kernel;
  kernel.node = read_rows<NodeConfig>(*tree.find("node"));
  kernel.log = read_rows<LogConfig>(*tree.find("log"));
  kernel.threads = read_rows<ThreadsConfig>(*tree.find("threads"));
  const Node& host = *tree.find("plugin_host");
  kernel.plugin_host = read_rows<PluginHostConfig>(host);
  for (const Member& m : host.find("allow")->members) kernel.plugin_host.allow[m.key] = lower_case(m.value.text);
  kernel.limits = read_rows<LimitsConfig>(*tree.find("limits"));
  kernel.topics = read_rows<TopicsConfig>(*tree.find("topics"));
  kernel.plugins = read_plugins(*tree.find("plugins"));
  return kernel;
}

// A limit that another one contradicts would refuse everything, or promise what cannot be kept.
void check_order(const Node& limits, const char* smaller, const char* larger, Problems& problems) {
  const Node &small = *limits.find(smaller), &large = *limits.find(larger);
  if (small.integer <= large.integer) return;
  const Node& said = small.origin.layer >= large.origin.layer ? small : large;
  problems.add(said.origin, said.path, fmt::format("wanted {} at most {}, found {} and {}", small.path, large.path,
                                                   bytes_text(small.integer), bytes_text(large.integer)));
}

void check_hashes(const Node& allow, Problems& problems) {
  for (const Member& m : allow.members) {
    const std::string& hash = m.value.text;
    const bool hex = std::all_of(hash.begin(), hash.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
    if (!hex || hash.size() != kSha256HexBytes)
      problems.add(m.value.origin, m.value.path, fmt::format("wanted a SHA-256 of {} hexadecimal digits, found {}", kSha256HexBytes, shown(m.value)));
  }
}

void check_rules(const Node& tree, const LoadRequest& request, Problems& problems) {
  const Node& node = *tree.find("node");
  const Node& data_dir = *node.find("data_dir");
  if (data_dir.text.empty() && !request.dev)
    problems.add(data_dir.origin, data_dir.path, "wanted the directory of the data (in the file, or --data-dir DIR), found none");
  const Node& limits = *tree.find("limits");
  check_order(limits, "record_bytes_max", "batch_bytes_max", problems);
  check_order(limits, "batch_bytes_max", "decompressed_bytes_max", problems);
  check_order(limits, "batch_bytes_max", "fetch_bytes_max", problems);
  check_order(limits, "batch_bytes_max", "inflight_bytes_max", problems);
  const Node& host = *tree.find("plugin_host");
  check_hashes(*host.find("allow"), problems);
  // There is no draft contract yet, and a switch that switches nothing would be a promise.
  if (const Node& drafts = *host.find("allow_drafts"); drafts.truth)
    problems.add(drafts.origin, drafts.path, "draft contracts are not offered yet; wanted false, found true");
  size_t enabled = 0;
  for (const Member& m : tree.find("plugins")->members) {
    enabled += m.value.find("enabled")->truth ? 1 : 0;
    if (!is_plugin_name(m.key))
      problems.add(m.value.origin, m.value.path,
                   fmt::format("wanted a plugin name of letters, digits, '.', '_', '-' ({} at most), found \"{}\"", kPluginNameBytesMax, m.key));
  }
  if (enabled == 0) problems.add("plugins: none is enabled, so nothing can be served; name a file with --config FILE, or start with --dev");
  // Joining a cluster is a later thing, and a broker that silently stays alone would be the worst answer.
  const std::string* managers = find_variable(request.environment, "PROXY_MANAGERS");
  if (managers != nullptr && managers->size() > std::string_view("PROXY_MANAGERS=").size())
    problems.add("environment PROXY_MANAGERS: joining a cluster is not offered yet; unset it to run one node");
}

}  // namespace

Result<Loaded> load(const LoadRequest& request) {
  ION_TRY(const Node schema_tree, root_schema(request.modules));
  ION_TRY(const Schema schema, Schema::from(schema_tree));
  Problems problems;
  std::vector<std::string> files;
  Node tree = merged_sources(request, schema, files, problems);
  check(tree, schema, problems);
  if (problems.empty()) check_rules(tree, request, problems);
  ION_CHECK(problems.status());
  KernelConfig kernel = read_kernel(tree);
  return Loaded{ConfigSnapshot(std::move(tree)), std::move(kernel), std::move(files)};
}

std::string print_schema(const std::vector<ModuleSection>& modules) {
  const Result<Node> schema = root_schema(modules);
  return schema ? json_text(*schema, Look::kPretty) + "\n" : schema.error().text() + "\n";
}

bool is_plugin_name(std::string_view name) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kPluginNameBytesMax && word(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return word(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace ion::config
