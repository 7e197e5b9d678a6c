#include "partition/core/producer_window.h"

#include <ion/crc32c.h>
#include <ion/simulated_bug.h>

#include <algorithm>
#include <string>

namespace ion::partition {

namespace {
Status out_of_sequence(const batch::Header& h, std::string have) {
  return {ION_E_FENCED,
          "producer " + std::to_string(h.producer.v) + ": batch begins with sequence " + std::to_string(h.base_sequence) + ", " + std::move(have),
          "OUT_OF_SEQUENCE"};
}
int32_t last_sequence(const batch::Header& h) { return batch::advance_sequence(h.base_sequence, h.last_offset_delta); }
// The sequence `n` before; sequences run around after 2^31 - 1.
int32_t sequence_before(int32_t sequence, int32_t n) { return static_cast<int32_t>((int64_t{sequence} - n) & INT32_MAX); }
}  // namespace

ProducerWindow::Seen ProducerWindow::seen(const Producer& p, size_t n) noexcept {
  int64_t base = p.base;
  int32_t last = p.last_sequence;
  for (size_t i = 0; i < n; ++i) base -= p.to_older[i], last = sequence_before(last, p.last_delta[i] + 1);
  return {{base}, {base + p.last_delta[n] + 1}, sequence_before(last, p.last_delta[n]), last};
}

Result<ProducerWindow::Verdict> ProducerWindow::check(const batch::Header& h) const {
  if (!h.idempotent()) return Verdict{};
  const Producer* const p = table_.find(h.producer.v);
  if (p == nullptr) {
    // A producer that we do not know must begin at the beginning: anything else may hide a lost batch (KAFKA-14359).
    if (h.base_sequence != 0) return out_of_sequence(h, "but this partition has no batch of it (want 0)");
    return Verdict{};
  }
  if (h.producer_epoch.v < p->epoch)
    return Status(ION_E_FENCED,
                  "producer " + std::to_string(h.producer.v) + ": epoch " + std::to_string(h.producer_epoch.v) + " is older than " + std::to_string(p->epoch),
                  "PRODUCER_FENCED");
  if (h.producer_epoch.v > p->epoch) {
    if (h.base_sequence != 0) return out_of_sequence(h, "but a new epoch begins with 0");
    return Verdict{};
  }
  for (size_t n = 0; n < p->kept; ++n)
    if (const Seen earlier = seen(*p, n); earlier.first_sequence == h.base_sequence && earlier.last_sequence == last_sequence(h)) return Verdict{Kind::kDuplicate, earlier};
  const int32_t want = batch::advance_sequence(p->last_sequence, 1);
  if (h.base_sequence != want) return out_of_sequence(h, "want " + std::to_string(want));
  return Verdict{};
}

// False: it does not follow the batch before, which is then no help any more.
bool ProducerWindow::keep(Producer& p, const batch::Header& h) noexcept {
  const int64_t distance = h.base_offset.v - p.base;
  const bool follows = p.kept > 0 && p.epoch == h.producer_epoch.v && h.base_sequence == batch::advance_sequence(p.last_sequence, 1) && distance <= UINT32_MAX;
  if (follows) {
    ION_ASSERT(seen(p, 0).next <= h.base_offset);
    std::move_backward(p.last_delta.begin(), p.last_delta.end() - 1, p.last_delta.end());
    std::move_backward(p.to_older.begin(), p.to_older.end() - 1, p.to_older.end());
    p.to_older[0] = static_cast<uint32_t>(distance);
    p.kept = static_cast<uint8_t>(std::min<size_t>(size_t{p.kept} + 1, kBatchesKept));
  } else {
    p.kept = 1;
  }
  p.base = h.base_offset.v, p.last_sequence = last_sequence(h), p.last_delta[0] = h.last_offset_delta, p.epoch = h.producer_epoch.v;
  return follows;
}

void ProducerWindow::record(const batch::Header& h, WallMs now) {
  if (!h.idempotent()) return;
  newest_s_ = ION_BUG(producer_expiry_wall_clock) ? now.ms / 1'000 : std::max(newest_s_, now.ms / 1'000);
  while (const Producer* const oldest = table_.first()) {
    const bool expired = expiry_s_ > 0 && newest_s_ - oldest->appended_s >= expiry_s_ && oldest->id != h.producer.v;
    const bool too_many = table_.size() >= kProducersMax && table_.find(h.producer.v) == nullptr;
    if (!expired && !too_many) break;
    table_.erase(oldest->id);
  }
  Producer& p = table_.last(h.producer.v);
  (void)keep(p, h);
  p.appended_s = static_cast<uint32_t>(std::clamp<int64_t>(newest_s_, 0, UINT32_MAX));
}

std::vector<std::pair<ProducerId, Offset>> ProducerWindow::newest_batches() const {
  std::vector<std::pair<ProducerId, Offset>> all;
  all.reserve(table_.size());
  for (const Producer* p = table_.first(); p != nullptr; p = table_.behind(*p)) all.push_back({{p->id}, {p->base}});
  return all;
}

void ProducerWindow::cut(Offset from) {
  std::vector<std::pair<Offset, int64_t>> order;
  std::vector<int64_t> gone;
  for (Producer* p = table_.first(); p != nullptr; p = table_.behind(*p)) {
    Producer& w = *p;
    while (w.kept != 0 && seen(w, 0).next > from) {
      const Seen newest = seen(w, 0);
      w.last_sequence = sequence_before(newest.first_sequence, 1), w.base -= w.to_older[0];
      std::move(w.last_delta.begin() + 1, w.last_delta.end(), w.last_delta.begin());
      std::move(w.to_older.begin() + 1, w.to_older.end(), w.to_older.begin());
      --w.kept;
    }
    if (w.kept == 0) gone.push_back(w.id);
    else order.emplace_back(seen(w, 0).next, w.id);
  }
  for (const int64_t id : gone) table_.erase(id);
  std::sort(order.begin(), order.end());
  for (const auto& [next, id] : order) (void)table_.last(id);
}

// Snapshot: "IPW2" | upto 8 | newest 8 | producers 4 | { id 8 | epoch 2 | appended 4 | last sequence 4 | base 8 | kept 1 | kept x last
// offset delta 4, newest first | (kept - 1) x distance to the older base 4 } | crc32c 4, big-endian, times in seconds. In the order of the newest
// batches. The checksum covers everything before it.
std::vector<uint8_t> ProducerWindow::snapshot(Offset upto) const {
  std::vector<uint8_t> to = {'I', 'P', 'W', '2'};
  to.reserve(64 + table_.size() * 64);
  const auto put = [&to]<class T>(T v) {
    to.resize(to.size() + sizeof(T));
    batch::store_big<T>(to.data() + to.size() - sizeof(T), v);
  };
  put(upto.v);
  put(newest_s_);
  put(static_cast<uint32_t>(table_.size()));
  for (const Producer* p = table_.first(); p != nullptr; p = table_.behind(*p)) {
    put(p->id), put(p->epoch), put(p->appended_s), put(p->last_sequence), put(p->base);
    to.push_back(p->kept);
    for (size_t i = 0; i < p->kept; ++i) put(p->last_delta[i]);
    for (size_t i = 0; i + 1 < p->kept; ++i) put(p->to_older[i]);
  }
  put(crc32c::of(to));
  return to;
}

Result<Offset> ProducerWindow::restore(std::span<const uint8_t> bytes) {
  table_.clear(), newest_s_ = 0;
  const auto corrupt = [this](const char* what) {
    table_.clear(), newest_s_ = 0;
    return Status(ION_E_CORRUPT, std::string("producer snapshot: ") + what);
  };
  constexpr size_t kHead = 24, kTail = 4, kEntry = 27;
  if (bytes.size() < kHead + kTail || !std::equal(bytes.begin(), bytes.begin() + 4, "IPW2")) return corrupt("not one of ours");
  const auto body = bytes.first(bytes.size() - kTail);
  if (crc32c::of(body) != batch::load_big<uint32_t>(bytes.data() + body.size())) return corrupt("checksum differs");
  const Offset upto{batch::load_big<int64_t>(body.data() + 4)};
  const auto newest = batch::load_big<int64_t>(body.data() + 12);
  const auto count = batch::load_big<uint32_t>(body.data() + 20);
  size_t at = kHead;
  const auto take = [&]<class T>(T& to) { to = batch::load_big<T>(body.data() + at), at += sizeof(T); };
  for (uint32_t n = 0; n < count; ++n) {
    if (body.size() - at < kEntry) return corrupt("ends early");
    Producer p;
    take(p.id), take(p.epoch), take(p.appended_s), take(p.last_sequence), take(p.base);
    p.kept = body[at++];
    if (p.kept == 0 || p.kept > kBatchesKept || body.size() - at < (size_t{p.kept} * 2 - 1) * 4) return corrupt("a producer does not fit");
    for (size_t i = 0; i < p.kept; ++i) take(p.last_delta[i]);
    for (size_t i = 0; i + 1 < p.kept; ++i) take(p.to_older[i]);
    if (table_.find(p.id) != nullptr) return corrupt("has a producer twice");
    Producer& to = table_.last(p.id);
    p.before = to.before, p.after = to.after;
    to = p;
  }
  if (at != body.size()) return corrupt("has bytes too many");
  newest_s_ = newest;
  return upto;
}

}  // namespace ion::partition
