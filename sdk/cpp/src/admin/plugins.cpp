// The plugins of a broker.
#include <ion/client/admin.h>

#include "ionstream/v1/admin.pb.h"
#include "parse_answer.h"
#include "runtime.h"

namespace ion::client {

namespace pb = ionstream::v1;

Result<std::vector<PluginView>> Admin::list_plugins(Nanos timeout) {
  ION_TRY(const std::string bytes, runtime_->call({"/ionstream.v1.Admin/ListPlugins", {}, timeout}, Repeat::kSafe));
  ION_TRY(const auto m, parse_answer<pb::ListPluginsResponse>(bytes));
  std::vector<PluginView> out;
  for (const pb::PluginInfo& p : m.plugins())
    out.push_back({p.name(), p.id(), p.version(), p.build(), p.file(), p.sha256(), {p.provides().begin(), p.provides().end()},
                   {p.needs().begin(), p.needs().end()}, p.state(), p.last_error(), p.faults()});
  return out;
}

}  // namespace ion::client
