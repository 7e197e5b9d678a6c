// topic_repair.
#include "pipeline/verb_paths.h"

#include <fmt/format.h>

namespace ion::pipeline {

static_assert(partition::LogSurvey::kPartsMax == ION_REPAIR_PARTS_MAX);

Answer VerbPaths::topic_repair(Op& op, const ion_repair_req& r, ion_repair_answer& a) {
  const auto found = find_partition(services_.view, text_of(r.topic), {r.partition});
  if (!found) return refuse(op, a.error, found.error());
  const auto mode = (r.flags & ION_REPAIR_ACCEPT_LOSS) != 0 ? partition::RepairMode::kAcceptLoss : partition::RepairMode::kDryRun;
  const Instant until = op.deadline();
  auto later = std::make_shared<Later>(op.later());  // shared: std::function copies
  // `r` and `a` are the caller's until completion.
  (*found)->repair(mode, until, [later, &r, &a](const Result<partition::RepairReport>& report) {
    if (!report) return explain(a.error, report.error()), later->fail(report.error());
    if (r.each != nullptr) {
      for (const partition::LostPart& part : report->parts) {
        const ion_lost_part info{sizeof(ion_lost_part), 0, part.from.v, part.upto.v};
        r.each(r.ctx, &info);
      }
    }
    a.flags = (report->repaired ? ION_REPAIR_DONE : 0) | (report->dense ? ION_REPAIR_DENSE : 0);
    a.log_start = report->first.v, a.next = report->next.v;
    a.parts = report->parts_all, a.bytes_lost = report->bytes_lost;
    a.records_left = report->records_left, a.bytes_left = report->bytes_left;
    later->ok();
  });
  return op.pending();
}

}  // namespace ion::pipeline
