// The function of every verb: for each row of broker_verbs.h one, which stands in a file of pipeline/verbs/. A new verb is a function
// there and needs no line here; the linker names one that is missing. Thread: ANY.
#pragma once
#include "pipeline/fetch_path.h"
#include "pipeline/pipeline_services.h"
#include "pipeline/produce_path.h"
#include "pipeline/producer_ids.h"

#include <ion/contract/broker_api.h>

#include <functional>
#include <string>

namespace ion::pipeline {

struct ReplacedPlugin {
  std::string version, old_version, file;
  uint32_t generation = 0;
  bool old_stays = false, other_at_restart = false;  // ION_REPLACE_*
};
// What the host module knows of plugins and does with them; given by kernel.cpp, since that module lies to the right.
struct PluginVerbs {
  std::function<void(ion_plugin_fn each, void* ctx)> each;
  // `done` runs once, on any thread.
  std::function<void(std::string name, std::string path, std::function<void(const Result<ReplacedPlugin>&)> done)> replace;
};

class VerbPaths {
 public:
  VerbPaths(const PipelineServices& pipeline, cluster::Controller& controller, cluster::LocalBroker& local, const NodeIdentity& identity, PluginVerbs plugins)
      : services_(pipeline), controller_(controller), local_(local), identity_(identity), plugins_(std::move(plugins)), produces_(pipeline),
        fetches_(pipeline), producers_(controller) {}

#define ION_ROW(name, request, answer, ...) Answer name(Op& op, const request& r, answer& a);
  ION_BROKER_VERBS(ION_ROW)
#undef ION_ROW
#define ION_ROW(name, request, answer, ...) Status name(const request& r, answer& a);
  ION_BROKER_LOOKUPS(ION_ROW)
#undef ION_ROW
  Status cancel(uint64_t op_id) { return fetches_.cancel(op_id); }

 private:
  void tell(const cluster::TopicRecord& record, const cluster::TopicEntry* entry, const ion_topic_req& r) const;
  void tell_broker(ion_broker_fn each, void* ctx) const;

  const PipelineServices& services_;
  cluster::Controller& controller_;
  cluster::LocalBroker& local_;
  const NodeIdentity& identity_;
  const PluginVerbs plugins_;
  ProducePath produces_;
  FetchPath fetches_;
  ProducerIds producers_;
};

// Refuses an op in words; `error` may be null.
inline Answer refuse(Op& op, ion_error_info* error, const Status& why, Nanos retry_after = {}) {
  explain(error, why, retry_after);
  return op.refuse(why);
}

}  // namespace ion::pipeline
