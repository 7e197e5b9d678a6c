// The plugins of a broker.
#include <ion/client/admin.h>

#include "ionstream/v1/admin.pb.h"
#include "parse_answer.h"
#include "runtime.h"

namespace ion::client {

namespace pb = ionstream::v1;

namespace {

InterceptorView view_of(const pb::InterceptorInfo& i) {
  InterceptorView view{{i.hooks().begin(), i.hooks().end()}, i.calls(), i.slow(), i.failed(), i.rejected(), i.dropped(), i.passed_over(), i.breaker(),
                       static_cast<uint64_t>(i.breaker_since_ms()), {}};
  if (i.has_breaker_until_ms()) view.breaker_until_ms = static_cast<uint64_t>(i.breaker_until_ms());
  return view;
}

PluginView view_of(const pb::PluginInfo& p) {
  PluginView view{p.name(), p.id(), p.version(), p.build(), p.file(), p.sha256(), {p.provides().begin(), p.provides().end()},
                  {p.needs().begin(), p.needs().end()}, p.state(), p.last_error(), p.faults(), p.abi()};
  for (const auto& s : p.config()) view.config.push_back({s.key(), s.value(), s.set() ? Setting::Origin::kUser : Setting::Origin::kDefault});
  if (p.has_interceptor()) view.interceptor = view_of(p.interceptor());
  view.remarks = {p.remarks().begin(), p.remarks().end()};
  view.leases = p.leases(), view.leased_bytes = p.leased_bytes(), view.generation = p.generation();
  if (p.has_oldest_lease_ms()) view.oldest_lease_ms = static_cast<uint64_t>(p.oldest_lease_ms());
  return view;
}

Result<std::vector<PluginView>> ask(Runtime& runtime, std::string_view name, Nanos timeout) {
  pb::ListPluginsRequest request;
  request.set_name(std::string(name));
  ION_TRY(const std::string bytes, runtime.call({"/ionstream.v1.Admin/ListPlugins", request.SerializeAsString(), timeout}, Repeat::kSafe));
  ION_TRY(const auto m, parse_answer<pb::ListPluginsResponse>(bytes));
  std::vector<PluginView> out;
  for (const pb::PluginInfo& p : m.plugins()) out.push_back(view_of(p));
  return out;
}

}  // namespace

Result<std::vector<PluginView>> Admin::list_plugins(Nanos timeout) { return ask(*runtime_, {}, timeout); }

Result<PluginView> Admin::describe_plugin(std::string_view name, Nanos timeout) {
  ION_TRY(std::vector<PluginView> plugins, ask(*runtime_, name, timeout));
  for (PluginView& p : plugins)  // a broker that does not know the name's field answers all
    if (p.name == name) return std::move(p);
  return Status(ION_E_NOT_FOUND, "no plugin is named " + std::string(name), "PLUGIN_NOT_FOUND");
}

Result<ReplacedPlugin> Admin::replace_plugin(std::string_view name, std::string_view path, Nanos timeout) {
  pb::ReplacePluginRequest request;
  request.set_name(std::string(name));
  request.set_path(std::string(path));
  ION_TRY(const std::string bytes, runtime_->call({"/ionstream.v1.Admin/ReplacePlugin", request.SerializeAsString(), timeout}, Repeat::kUnsafe));
  ION_TRY(const auto m, parse_answer<pb::ReplacePluginResponse>(bytes));
  return ReplacedPlugin{m.generation(), m.version(), m.old_version(), m.file(), m.old_stays(), m.other_at_restart()};
}

}  // namespace ion::client
