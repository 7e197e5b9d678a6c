#include "partition/window_loader.h"

#include "partition/partition_limits.h"

#include <ion/record_reader.h>
#include <ion/record_writer.h>
#include <ion/repeat.h>
#include <ion/simulated_bug.h>

#include <memory>

namespace ion::partition {

namespace {

struct Load {
  const WindowRules rules;
  Log& log;
  Log* state;
  WindowLoaded done;
  LoadedWindow loaded;
  Offset at, end;
};
using LoadPtr = std::shared_ptr<Load>;  // shared by the callbacks of one load; the last one to go ends it

void answer(const LoadPtr& load, Status status) {
  auto done = std::exchange(load->done, nullptr);
  ION_ASSERT(done != nullptr);
  if (status.ok()) done(std::move(load->loaded));
  else done(std::move(status));
}

void record_headers(ProducerWindow& window, std::span<const uint8_t> bytes, Offset from, WallMs now) {
  if (ION_BUG(dedup_not_in_log)) return;
  while (bytes.size() >= batch::kHeaderBytes) {
    const batch::Header h = batch::read_header(bytes.data());
    if (h.length <= 0 || h.total_bytes() > bytes.size()) return;
    if (h.base_offset >= from) window.record(h, now);
    bytes = bytes.subspan(h.total_bytes());
  }
}

void scan_tail(const LoadPtr& load) {
  repeat([load](auto again) {
    if (load->at >= load->end) return answer(load, {});
    call([&](Op& op) { return load->log.read(op, load->at, load->end, kScanBytes); },
         [load, again](const ion_result& r) mutable {
           Outcome got = Outcome::from(r);
           if (got.status.code() == ION_E_CORRUPT) {  // the partition opens, refusing appends until it is repaired: what lies behind counts
             const Offset behind{static_cast<int64_t>(got.u1)};
             if (behind <= load->at) return answer(load, {});
             load->at = behind;
             return again();
           }
           if (!got.status.ok()) return answer(load, std::move(got.status));
           if (got.bufs.empty()) return answer(load, {});
           for (const Buf& b : got.bufs) {
             record_headers(load->loaded.window, b.span(), load->at, load->rules.now);
             load->loaded.scanned_bytes += b.size();
           }
           load->at = Offset{static_cast<int64_t>(got.u1)};
           again();
         });
  });
}

// The newest snapshot. False: it does not fit the log.
bool take_snapshot(const LoadPtr& load, std::span<const uint8_t> bytes) {
  std::optional<std::vector<uint8_t>> newest;
  while (bytes.size() >= batch::kHeaderBytes) {
    auto reader = batch::RecordReader::open(bytes);
    if (!reader) return false;
    auto record = reader->next();
    if (record && *record && (*record)->value) newest.emplace((*record)->value->begin(), (*record)->value->end());
    bytes = bytes.subspan(reader->header().total_bytes());
  }
  if (!newest) return false;
  ProducerWindow restored;
  restored.set_expiry(load->rules.expiry);
  const Result<Offset> upto = restored.restore(*newest);
  if (!upto || (*upto > load->end && !ION_BUG(dedup_outlives_log)) || *upto < load->at) return false;
  load->loaded.window = std::move(restored);
  load->at = load->loaded.snapshot_upto = *upto;
  return true;
}

// One that lies ahead of its log (the log lost its end with the power, and may) would fit again once the log has grown, and then
// vouch for batches that it never saw. A damaged log is emptied from its beginning, which it allows.
void forget_snapshots(const LoadPtr& load) {
  const LogStat kept = load->state->stat();
  call([&](Op& op) { return kept.damaged ? load->state->truncate_prefix(op, kept.next) : load->state->truncate_suffix(op, kept.first); },
       [load](const ion_result& r) {
         // A log that is damaged or full refuses; it takes no snapshot either, and the partition can be served without.
         const bool refused = r.status == ION_E_CORRUPT || r.status == ION_E_NO_SPACE;
         if (r.status != ION_OK && !refused) return answer(load, Status::from(r.status, r.err));
         load->loaded.state_next = load->state->stat().next;
         scan_tail(load);
       });
}

}  // namespace

std::vector<uint8_t> snapshot_batch(Offset state_offset, std::span<const uint8_t> snapshot) {
  batch::RecordWriter writer(snapshot.size() + 32);
  batch::NewRecord record;
  record.value = snapshot;
  writer.append(record);
  std::vector<uint8_t> bytes = writer.finish();
  batch::write_prefix(bytes.data(), state_offset, batch::read_header(bytes.data()).length, Epoch{0});
  return bytes;
}

void load_window(const WindowRules& rules, Log& log, Log* state, WindowLoaded done) {
  const LogStat have = log.stat(), kept = state != nullptr ? state->stat() : LogStat{};
  auto load = std::make_shared<Load>(Load{rules, log, state, std::move(done), {}, have.first, have.next});
  load->loaded.window.set_expiry(rules.expiry);
  load->loaded.state_next = kept.next;
  if (kept.next == kept.first) return scan_tail(load);
  call([&](Op& op) { return state->read(op, kept.next + -1, kept.next, kScanBytes); },
       [load](const ion_result& r) {
         const Outcome got = Outcome::from(r);
         if (got.status.code() == ION_E_CORRUPT) return forget_snapshots(load);
         if (!got.status.ok()) return answer(load, got.status);
         if (!got.bufs.empty() && !take_snapshot(load, got.bufs.front().span())) return forget_snapshots(load);
         scan_tail(load);
       });
}

}  // namespace ion::partition
