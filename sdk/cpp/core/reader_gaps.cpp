// Offsets that are not there: records were deleted before they were read or are damaged, or the log ends before the reader.
#include <fmt/format.h>

#include <algorithm>

#include "core/reader_core.h"

namespace ion::client {

using namespace read;

void ReaderCore::out_of_range(Partition& p, const FrameArrived& e, Instant now, Actions& out) {
  const Failure& f = *e.failure;
  if (e.log_start > p.position) {
    // Who asked for the start begins where it is now: nothing was to be read before it.
    if (p.at_start) p.position = e.log_start;
    else if (!skip_gap(p, e.log_start, f.status, out)) return;
  } else if (p.position > e.high_watermark) {
    if (options_.reset == Reset::kFail) {
      lose(p, f.status, now);
      if (options_.on_lost == ReaderOptions::OnLost::kFail) return fail(f.status, out);
      give_up(p, out);
      return place(now, out);
    }
    p.position = options_.reset == Reset::kStart ? e.log_start : e.high_watermark;
  } else {
    lose(p, f.status, now);  // it is there again by now
  }
  if (p.until && p.position >= *p.until) p.is = Partition::Is::kDone;
  else unplace(p, f, e.random, now);
  place(now, out);
}

// False: the reader has failed, since nothing may be passed over.
bool ReaderCore::skip_gap(Partition& p, Offset log_start, const Status& why, Actions& out) {
  if (options_.on_gap == ReaderOptions::OnGap::kFail) {
    fail({why.code(), fmt::format("records of topic {} partition {} were deleted before they were read: {}", options_.topic, p.id.v, why.message()), why.reason()}, out);
    return false;
  }
  const Offset until = p.until ? std::min(log_start, *p.until) : log_start;
  const std::string then = until == log_start ? fmt::format("reading goes on at {}", log_start.v) : fmt::format("the log begins at {}, behind what was to be read", log_start.v);
  pass_over(p, until, "deleted before being read", then, out);
  return true;
}

// The broker says where what it can read goes on.
void ReaderCore::skip_damage(Partition& p, const FrameArrived& e, Instant now, Actions& out) {
  const Offset until = p.until ? std::min(e.next_offset, *p.until) : e.next_offset;
  pass_over(p, until, "passed over", fmt::format("reading goes on at {}: {}", until.v, e.failure->status.message()), out);
  found(p, out);
  if (p.until && p.position >= *p.until) p.is = Partition::Is::kDone;
  else unplace(p, *e.failure, e.random, now);
  place(now, out);
}

void ReaderCore::pass_over(Partition& p, Offset until, std::string_view what, std::string_view then, Actions& out) {
  const int64_t count = until.v - p.position.v;
  missed_ += static_cast<uint64_t>(count);
  const std::string which = count == 1 ? fmt::format("offset {} was", p.position.v) : fmt::format("offsets {} to {} ({} of them) were", p.position.v, until.v - 1, count);
  out.notices.push_back({ClientEvent::What::kGap, fmt::format("topic {} partition {}: {} {}; {}", options_.topic, p.id.v, which, what, then), ClientEvent::Gap{p.id, p.position, until}});
  p.position = until;
  p.at_start = false;
}

}  // namespace ion::client
