// produce, fetch, offset_for.
#include "pipeline/time_seek.h"
#include "pipeline/verb_paths.h"

#include <fmt/format.h>

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
    case ION_OFFSET_TIME: return offset_for_time(op, services_, *from, {r.time_ms}, a);
    default: {
      const Status unknown(ION_E_INVALID, fmt::format("offset_for: want what = START, END or TIME, have {}", r.what));
      return explain(a.error, unknown), op.refuse(unknown);
    }
  }
  return op.ok(static_cast<uint64_t>(a.offset));
}

}  // namespace ion::pipeline
