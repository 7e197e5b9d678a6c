// produce, fetch, offset_for.
#include "pipeline/verb_paths.h"

namespace ion::pipeline {

Answer VerbPaths::produce(Op& op, const ion_produce_req& r, ion_produce_answer& a) { return produces_.produce(op, r, a); }
Answer VerbPaths::fetch(Op& op, const ion_fetch_req& r, ion_fetch_answer& a) { return fetches_.fetch(op, r, a); }

Answer VerbPaths::offset_for(Op& op, const ion_offset_req& r, ion_offset_answer& a) {
  const auto from = find_partition(services_.view, text_of(r.topic), {r.partition});
  if (!from) return explain(a.error, from.error()), op.refuse(from.error());
  const partition::PartitionView view = (*from)->view();
  a.time_ms = -1;
  switch (r.what) {
    case ION_OFFSET_START: a.offset = view.log_start.v; break;
    case ION_OFFSET_END: a.offset = view.high_watermark.v; break;
    default: {
      const Status later(ION_E_UNSUPPORTED, "offsets by time are not offered yet", "OFFSET_FOR_TIME");
      return explain(a.error, later), op.refuse(later);
    }
  }
  return op.ok(static_cast<uint64_t>(a.offset));
}

}  // namespace ion::pipeline
