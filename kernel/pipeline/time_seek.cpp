#include "pipeline/time_seek.h"

#include "pipeline/batch_codecs.h"

#include <fmt/format.h>
#include <ion/record_reader.h>
#include <ion/repeat.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace ion::pipeline {
namespace {

struct Found {
  Offset offset;
  WallMs time;
};

// What one search keeps until its completion.
struct Seeking {
  const PipelineServices& services;
  const partition::PartitionPtr partition;
  const WallMs time;
  ion_offset_answer& answer;  // the caller's
  Later later;
  Instant deadline;  // 0: none
  Offset from;
  Offset end;     // the high watermark as the round began: what came since is what comes next
  Offset behind;  // the batch that is looked at
  ion_fetch_answer fetched{};

  void fail(const Status& why) {
    explain(answer.error, why);
    later.fail(why);
  }
  void finish(const Found& found) {
    answer.offset = found.offset.v, answer.time_ms = found.time.ms;
    later.ok(static_cast<uint64_t>(found.offset.v));
  }
  void nothing() { finish({end, WallMs{-1}}); }

  Result<std::optional<Found>> look_at(std::span<const uint8_t> whole) {
    const batch::Header header = batch::read_header(whole.data());
    behind = header.next_offset();
    if ((header.attributes & batch::kControl) != 0 || header.count == 0) return std::optional<Found>();
    Admitted admitted(services.admission, 0);  // of what is opened
    Buf opened;
    if (header.codec() != 0) {
      const ion_buf part = borrowed(whole);
      ION_TRY(opened, services.codecs.open_stored({&part, 1}, header, [&](uint64_t bytes) { return admitted.grow(bytes); }));
      whole = opened.span();
    }
    ION_TRY(batch::RecordReader reader, batch::RecordReader::open(whole));
    const Offset first = std::max(from, partition->view().log_start);
    for (;;) {
      ION_TRY(const std::optional<batch::Record> record, reader.next());
      if (!record) return std::optional<Found>();
      if (record->offset >= first && record->time >= time) return std::optional<Found>(Found{record->offset, record->time});
    }
  }
};
using SeekingPtr = std::shared_ptr<Seeking>;  // shared by the callbacks of one search

// The batch that the storage named. `again` when it has no such record.
template <class Again>
void read_batch(const SeekingPtr& s, Offset base, Again again) {
  s->fetched.size = sizeof s->fetched;
  const partition::FetchRequest ask{std::max(base, s->partition->view().log_start), 1, 1, Instant{}};
  call([&](Op& op) { return s->partition->fetch(op, ask, s->fetched); },
       [s, ask, again](const ion_result& r) mutable {
         const Outcome got = Outcome::from(r);
         if (got.status.code() == ION_E_OUT_OF_RANGE && s->partition->view().log_start > ask.offset) return again();  // it was deleted meanwhile
         if (!got.status.ok()) return s->fail(got.status);
         std::vector<uint8_t> whole;
         for (const Buf& part : got.bufs) whole.insert(whole.end(), part.data(), part.data() + part.size());
         if (whole.size() < batch::kHeaderBytes) return s->nothing();
         const auto found = s->look_at(whole);
         if (!found) return s->fail(found.error());
         if (*found) return s->finish(**found);
         s->from = s->behind;
         again();
       });
}

}  // namespace

Answer offset_for_time(Op& op, const PipelineServices& services, partition::PartitionPtr partition, WallMs time, ion_offset_answer& a) {
  auto s = std::make_shared<Seeking>(Seeking{services, std::move(partition), time, a, op.later(), op.deadline(), {}, {}, {}, {}});
  repeat([s](auto again) {
    if (s->deadline.ns != 0 && s->services.clock.now() >= s->deadline) return s->fail(Status(ION_E_DEADLINE, "the time was not found in time"));
    const partition::PartitionView view = s->partition->view();
    s->end = view.high_watermark, s->from = std::max(s->from, view.log_start);
    if (s->from >= s->end) return s->nothing();
    s->partition->seek(s->from, s->time, [s, again](const ion_result& r) mutable {
      const Outcome got = Outcome::from(r);
      const Offset base{static_cast<int64_t>(got.u0)};
      if (got.status.code() == ION_E_NOT_FOUND || (got.status.ok() && base >= s->end)) return s->nothing();
      if (!got.status.ok()) return s->fail(got.status);
      read_batch(s, base, std::move(again));
    });
  });
  return op.pending();
}

}  // namespace ion::pipeline
