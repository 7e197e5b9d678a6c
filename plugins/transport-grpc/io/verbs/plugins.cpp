// ListPlugins.
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
void each_of(std::string_view list, Add add) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
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
    each_of(text_of(from.provides), [&](std::string item) { to->add_provides(std::move(item)); });
    each_of(text_of(from.needs), [&](std::string item) { to->add_needs(std::move(item)); });
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

}  // namespace

std::span<const RpcRow> rpcs_in_plugins() {
  static constexpr RpcRow kRows[] = {
      {.method = "/ionstream.v1.Admin/ListPlugins", .label = "list_plugins", .asks = kVerbs<Verb::plugin_list>, .make = make_call<ListPluginsHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
