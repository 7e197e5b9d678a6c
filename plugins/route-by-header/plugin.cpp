// The plugin ion.route-by-header: an interceptor that stores a batch in the topic that a header of its records names.
#include "core/routes.h"
#include "route_by_header_config.h"

#include <ion/bridge/interceptor_bridge.h>
#include <ion/plugin.h>

#include <algorithm>

namespace ion::route_by_header {

class RouteByHeader {
 public:
  using Config = RouteConfig;
  static constexpr uint32_t kHooks = ION_HOOK_PRODUCE, kNeeds = ION_NEED_RECORDS, kInterceptorFlags = ION_INTERCEPTOR_REENTRANT;

  RouteByHeader(Routes routes, const RouteConfig& config) : routes_(std::move(routes)), header_(config.header), topics_(config.topics) {}
  static Result<std::unique_ptr<RouteByHeader>> create(Host, const RouteConfig& config) {
    if (config.header.empty()) return Status(ION_E_INVALID, "header: wanted a name");
    ION_TRY(Routes routes, Routes::make(config.routes, config.other == "reject" ? Routes::Other::kReject : Routes::Other::kKeep));
    return std::make_unique<RouteByHeader>(std::move(routes), config);
  }
  Status start() { return {}; }
  Answer drain(Op& op) { return op.ok(); }
  const void* table(std::string_view id) { return id == ION_INTERCEPTOR_ID ? &export_interceptor<RouteByHeader> : nullptr; }

  Verdict on(Hook, Message& batch) {
    if (!topics_.empty() && std::find(topics_.begin(), topics_.end(), batch.topic()) == topics_.end()) return Verdict::kContinue;
    std::optional<Target> first;
    for (const RecordView record : batch) {
      const Target target = routes_.target_of(value_of(record));
      if (target.kind == Target::Kind::kReject)
        return batch.reject(ION_E_REJECTED, "header " + header_ + ": " + target.why);
      if (first && !(target == *first))
        return batch.reject(ION_E_REJECTED, "header " + header_ + ": wanted the same topic for all records of a batch, have " + first->name() + " and " +
                                                target.name());
      first = target;
    }
    return first && first->kind == Target::Kind::kTopic && first->topic != batch.topic() ? batch.route(first->topic, -1) : Verdict::kContinue;
  }

 private:
  // The last one counts, as for whoever puts headers into a map.
  std::optional<std::string_view> value_of(const RecordView& record) const {
    std::optional<std::string_view> found;
    for (const ion_field& field : record.headers())
      if (text_of(field.key) == header_ && field.value.p != nullptr) found = text_of(field.value);
    return found;
  }
  const Routes routes_;
  const std::string header_;
  const std::vector<std::string> topics_;
};

}  // namespace ion::route_by_header

ION_PLUGIN(ion::route_by_header::RouteByHeader, "ion.route-by-header", "0.1.0", "ion.interceptor/1", "")
