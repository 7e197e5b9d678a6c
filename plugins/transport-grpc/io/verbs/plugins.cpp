// ListPlugins, ReplacePlugin.
#include "io/api_op.h"
#include "io/parse_codec.h"
#include "io/verbs/verb_file.h"

#include <ion/abi/contract/interceptor.h>
#include <ion/bridge/crossing.h>

#include <ionstream/v1/admin.pb.h>

#include <algorithm>
#include <string_view>

namespace ion::transport_grpc {
namespace {

namespace v1 = ionstream::v1;

void set(std::string* to, ion_bytes from) { to->assign(text_of(from)); }

template <class Add>
void each_of(std::string_view list, char separator, Add add) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(separator), list.size());
    if (end != 0) add(std::string(list.substr(0, end)));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

const char* state_name(uint32_t state) {
  switch (state) {
    case ION_PLUGIN_LOADED: return "loaded";
    case ION_PLUGIN_CREATED: return "created";
    case ION_PLUGIN_STARTED: return "started";
    case ION_PLUGIN_DRAINING: return "draining";
    case ION_PLUGIN_DRAINED: return "drained";
    case ION_PLUGIN_FAULTED: return "faulted";
    default: return "unknown";
  }
}

const char* breaker_name(uint32_t state) {
  switch (state) {
    case ION_BREAKER_OFF: return "off";
    case ION_BREAKER_CLOSED: return "closed";
    case ION_BREAKER_OPEN: return "open";
    default: return "unknown";
  }
}

void fill(v1::InterceptorInfo& to, const ion_interceptor_info& raw) {
  const ion_interceptor_info from = bridge::take(&raw);
  if ((from.hooks & ION_HOOK_PRODUCE) != 0) to.add_hooks("produce");
  if ((from.hooks & ION_HOOK_FETCH) != 0) to.add_hooks("fetch");
  to.set_calls(from.calls), to.set_slow(from.slow), to.set_failed(from.failed);
  to.set_rejected(from.rejected), to.set_dropped(from.dropped), to.set_passed_over(from.passed_over);
  to.set_breaker(breaker_name(from.breaker));
  to.set_breaker_since_ms(from.breaker_since_ms);
  if (from.breaker == ION_BREAKER_OPEN) to.set_breaker_until_ms(from.breaker_until_ms);
}

class ListPluginsHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  static void each(void* self, const ion_plugin_info* plugin) noexcept {
    const ion_plugin_info from = bridge::take(plugin);
    v1::PluginInfo* to = static_cast<ListPluginsHandler*>(self)->response_.add_plugins();
    set(to->mutable_name(), from.name);
    set(to->mutable_id(), from.id);
    set(to->mutable_version(), from.version);
    set(to->mutable_build(), from.build);
    set(to->mutable_file(), from.file);
    set(to->mutable_sha256(), from.sha256);
    each_of(text_of(from.provides), ',', [&](std::string item) { to->add_provides(std::move(item)); });
    each_of(text_of(from.needs), ',', [&](std::string item) { to->add_needs(std::move(item)); });
    to->set_state(state_name(from.state));
    set(to->mutable_last_error(), from.last_error);
    to->set_faults(from.faults);
    set(to->mutable_abi(), from.abi);
    for (uint32_t i = 0; i < from.nconfig; ++i) {
      v1::TopicInfo::Setting* setting = to->add_config();
      set(setting->mutable_key(), from.config[i].key);
      set(setting->mutable_value(), from.config[i].value);
      setting->set_set(i < from.nconfig_set);
    }
    if (from.interceptor != nullptr) fill(*to->mutable_interceptor(), *from.interceptor);
    each_of(text_of(from.remarks), '\n', [&](std::string line) { to->add_remarks(std::move(line)); });
    to->set_leases(from.leases), to->set_leased_bytes(from.leased_bytes);
    if (from.leases != 0) to->set_oldest_lease_ms(from.oldest_lease_ms);
    to->set_generation(from.generation);
  }

  void request(Message message) override {
    const auto asked = parse_request<v1::ListPluginsRequest>(message.joined());
    if (!asked) return call_.fail(Failure::of(asked.error()));
    name_ = asked->name();
    request_ = {sizeof request_, 0, &call_.who(), bytes_of(name_), &ListPluginsHandler::each, this};
    answer_.size = sizeof answer_, answer_.error = &op_.error;
    op_.ask(call_, 0, [&](Op& op) { return services_.api->plugin_list(op, request_, answer_); });
  }
  void answered() {
    if (!op_.ok()) return call_.fail(op_.failure());
    reply(response_.SerializeAsString());
  }

  std::string name_;
  ion_plugin_req request_{};
  ion_admin_answer answer_{};
  v1::ListPluginsResponse response_;
  ApiCall<ListPluginsHandler, &ListPluginsHandler::answered> op_{*this};
};

class ReplacePluginHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  void request(Message message) override {
    const auto asked = parse_request<v1::ReplacePluginRequest>(message.joined());
    if (!asked) return call_.fail(Failure::of(asked.error()));
    name_ = asked->name(), path_ = asked->path();
    request_ = {sizeof request_, 0, &call_.who(), bytes_of(name_), bytes_of(path_)};
    answer_.size = sizeof answer_, answer_.error = &op_.error;
    op_.ask(call_, 0, [&](Op& op) { return services_.api->plugin_replace(op, request_, answer_); });
  }
  void answered() {
    if (!op_.ok()) return call_.fail(op_.failure());
    v1::ReplacePluginResponse response;
    response.set_generation(answer_.generation);
    response.set_version(answer_.version), response.set_old_version(answer_.old_version), response.set_file(answer_.file);
    response.set_old_stays((answer_.flags & ION_REPLACE_OLD_STAYS) != 0);
    response.set_other_at_restart((answer_.flags & ION_REPLACE_OTHER_AT_RESTART) != 0);
    reply(response.SerializeAsString());
  }

  std::string name_, path_;
  ion_replace_req request_{};
  ion_replace_answer answer_{};
  ApiCall<ReplacePluginHandler, &ReplacePluginHandler::answered> op_{*this};
};

}  // namespace

std::span<const RpcRow> rpcs_in_plugins() {
  static constexpr RpcRow kRows[] = {
      {.method = "/ionstream.v1.Admin/ListPlugins", .label = "list_plugins", .asks = kVerbs<Verb::plugin_list>, .make = make_call<ListPluginsHandler>},
      {.method = "/ionstream.v1.Admin/ReplacePlugin", .label = "replace_plugin", .asks = kVerbs<Verb::plugin_replace>, .make = make_call<ReplacePluginHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
