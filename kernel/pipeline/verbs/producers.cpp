// init_producer, partition_of: what a producer asks before it sends.
#include "pipeline/verb_paths.h"

#include <utility>

namespace ion::pipeline {

Answer VerbPaths::init_producer(Op& op, const ion_producer_req&, ion_producer_answer& a) {
  auto later = std::make_shared<Later>(op.later());  // shared: std::function copies
  producers_.next([later, &a](Result<int64_t> id) {
    if (!id) return explain(a.error, id.error()), later->fail(id.error());
    a.producer_id = *id;
    a.epoch = 0;
    later->ok(static_cast<uint64_t>(*id));
  });
  return op.pending();
}

Status VerbPaths::partition_of(const ion_partition_req& r, ion_partition_answer& a) {
  const auto answer = [&](Status why) {
    explain(a.error, why);
    return why;
  };
  const cluster::TopicEntryPtr entry = services_.view.find(text_of(r.topic));
  if (entry == nullptr) return answer(unknown_topic(text_of(r.topic)));
  if (services_.router == nullptr) return answer(Status(ION_E_UNSUPPORTED, "no plugin provides ion.router/1: name the partition", "NO_ROUTER"));
  a.partitions = static_cast<uint32_t>(entry->partitions.size());
  auto chosen = services_.router->partition(text_of(r.topic), span_of(r.key), a.partitions);
  if (!chosen) return answer(chosen.error());
  a.partition = chosen->v;
  return {};
}

}  // namespace ion::pipeline
