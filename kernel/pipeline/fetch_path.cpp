#include "pipeline/fetch_path.h"

#include "pipeline/fetch_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ion::pipeline {

Answer FetchPath::fetch(Op& op, const ion_fetch_req& r, ion_fetch_answer& a) {
  if (!services_.interceptors.wants(Hook::kFetch)) return read(op, r, a);
  BatchInFlight about = BatchInFlight::of(r);
  call(CallOptions{op.deadline(), op.raw().id}, [&](Op& inner) { return read(inner, r, a); },
       [this, about = std::move(about), &a, later = op.later()](const ion_result& result) mutable {
         if (result.status != ION_OK || result.nbufs == 0) return later.pass(result);
         auto answered = std::make_shared<Later>(std::move(later));
         auto filtered = [&a, answered](const ion_result& out) {
           if (out.status != ION_OK) explain_failure(a.error, Status::from(out.status, out.err));
           else a.next = static_cast<int64_t>(out.u1);
           answered->pass(out);
         };
         call([&](Op& inner) { return filter_fetched({services_.interceptors, services_.codecs, services_.admission, services_.opening}, std::move(about), result, inner.later()), inner.pending(); }, filtered);
       });
  return op.pending();
}

Answer FetchPath::read(Op& op, const ion_fetch_req& r, ion_fetch_answer& a) {
  const auto from = find_partition(services_.view, text_of(r.topic), {r.partition}, r.topic_id);
  if (!from) return explain(a.error, from.error()), op.refuse(from.error());
  const PipelineLimits& limits = services_.limits;
  partition::FetchRequest ask;
  ask.offset = {r.offset};
  ask.bytes_max = r.bytes_max == 0 ? limits.fetch_bytes_default : std::min(r.bytes_max, limits.fetch_bytes_max);
  ask.bytes_min = std::clamp<uint64_t>(r.bytes_min, 1, ask.bytes_max);
  const auto wait = Nanos{static_cast<int64_t>(std::min<uint64_t>(r.wait_ns, static_cast<uint64_t>(limits.fetch_wait_max.n)))};
  if (wait.n == 0) return (*from)->fetch(op, ask, a);

  ask.until = services_.clock.now() + wait;
  const uint64_t id = op.raw().id;
  if (id == 0) return (*from)->fetch(op, ask, a);
  {
    Slice& slice = slice_of(id);
    const std::lock_guard<std::mutex> lock(slice.mutex);
    const auto [at, is_new] = slice.waiting.try_emplace(id, *from);
    if (!is_new) {
      const Status used(ION_E_INVALID, fmt::format("a fetch with op id {} waits already; ids are unique or 0", id));
      return explain(a.error, used), op.refuse(used);
    }
    ask.cancelled = &at->second.cancelled;
  }
  CallOptions options;
  options.id = id;
  options.deadline = op.deadline();
  call(options, [&](Op& inner) { return (*from)->fetch(inner, ask, a); },
       [this, id, later = op.later()](const ion_result& result) mutable {
         {
           Slice& slice = slice_of(id);
           const std::lock_guard<std::mutex> lock(slice.mutex);
           slice.waiting.erase(id);
         }
         later.pass(result);
       });
  return op.pending();
}

Status FetchPath::cancel(uint64_t op_id) {
  partition::PartitionPtr where;
  {
    Slice& slice = slice_of(op_id);
    const std::lock_guard<std::mutex> lock(slice.mutex);
    const auto found = slice.waiting.find(op_id);
    if (found == slice.waiting.end()) return {ION_E_NOT_FOUND, "this fetch is over"};
    found->second.cancelled.store(true, std::memory_order_release);
    where = found->second.where;
  }
  where->cancel_fetch(op_id);
  return {};
}

}  // namespace ion::pipeline
