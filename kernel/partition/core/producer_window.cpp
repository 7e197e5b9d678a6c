#include "partition/core/producer_window.h"

#include <ion/crc32c.h>

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
}  // namespace

Result<ProducerWindow::Verdict> ProducerWindow::check(const batch::Header& h) const {
  if (!h.idempotent()) return Verdict{};
  const auto found = producers_.find(h.producer.v);
  if (found == producers_.end()) {
    // A producer that we do not know must begin at the beginning: anything else may hide a lost batch (KAFKA-14359).
    if (h.base_sequence != 0) return out_of_sequence(h, "but this partition has no batch of it (want 0)");
    return Verdict{};
  }
  const Producer& p = found->second;
  if (h.producer_epoch.v < p.epoch)
    return Status(ION_E_FENCED,
                  "producer " + std::to_string(h.producer.v) + ": epoch " + std::to_string(h.producer_epoch.v) + " is older than " + std::to_string(p.epoch),
                  "PRODUCER_FENCED");
  if (h.producer_epoch.v > p.epoch) {
    if (h.base_sequence != 0) return out_of_sequence(h, "but a new epoch begins with 0");
    return Verdict{};
  }
  for (size_t i = 0; i < p.kept; ++i)
    if (p.last[i].first_sequence == h.base_sequence && p.last[i].last_sequence == last_sequence(h)) return Verdict{Kind::kDuplicate, p.last[i]};
  const int32_t want = batch::advance_sequence(p.newest().last_sequence, 1);
  if (h.base_sequence != want) return out_of_sequence(h, "want " + std::to_string(want));
  return Verdict{};
}

void ProducerWindow::record(const batch::Header& h) {
  if (!h.idempotent()) return;
  if (producers_.size() >= kProducersMax && !producers_.contains(h.producer.v)) forget_oldest();
  const auto [at, is_new] = producers_.try_emplace(h.producer.v);
  Producer& p = at->second;
  if (is_new) p.place = written_.insert(written_.end(), h.producer.v);
  else written_.splice(written_.end(), written_, p.place);
  if (p.kept != 0 && p.epoch != h.producer_epoch.v) p.kept = 0;
  p.epoch = h.producer_epoch.v;
  ION_ASSERT(p.kept == 0 || p.newest().next <= h.base_offset);
  if (p.kept == kBatchesKept) {
    std::move(p.last.begin() + 1, p.last.end(), p.last.begin());
    --p.kept;
  }
  p.last[p.kept++] = {h.base_offset, h.next_offset(), h.base_sequence, last_sequence(h)};
  ION_ASSERT(p.kept <= kBatchesKept);
}

void ProducerWindow::cut(Offset from) {
  for (auto it = producers_.begin(); it != producers_.end();) {
    Producer& p = it->second;
    while (p.kept != 0 && p.newest().next > from) --p.kept;
    it = p.kept == 0 ? producers_.erase(it) : std::next(it);
  }
  order_by_last_batch();
}

void ProducerWindow::forget_oldest() {
  ION_ASSERT(written_.size() == producers_.size() && !written_.empty());
  producers_.erase(written_.front());
  written_.pop_front();
}

void ProducerWindow::order_by_last_batch() {
  std::vector<std::pair<Offset, int64_t>> order;
  order.reserve(producers_.size());
  for (const auto& [id, p] : producers_) order.emplace_back(p.newest().next, id);
  std::sort(order.begin(), order.end());
  written_.clear();
  for (const auto& [next, id] : order) producers_.at(id).place = written_.insert(written_.end(), id);
}

// Snapshot: "IPW1" | upto 8 | producers 4 | { id 8 | epoch 2 | kept 1 | kept x { base 8 | next 8 | first 4 | last 4 } } | crc32c 4,
// big-endian. The checksum covers everything before it.
std::vector<uint8_t> ProducerWindow::snapshot(Offset upto) const {
  std::vector<uint8_t> to = {'I', 'P', 'W', '1'};
  const auto put = [&to]<class T>(T v) {
    to.resize(to.size() + sizeof(T));
    batch::store_big<T>(to.data() + to.size() - sizeof(T), v);
  };
  put(upto.v);
  put(static_cast<uint32_t>(producers_.size()));
  for (const auto& [id, p] : producers_) {
    put(id);
    put(p.epoch);
    to.push_back(p.kept);
    for (size_t i = 0; i < p.kept; ++i) put(p.last[i].base.v), put(p.last[i].next.v), put(p.last[i].first_sequence), put(p.last[i].last_sequence);
  }
  put(crc32c::of(to));
  return to;
}

Result<Offset> ProducerWindow::restore(std::span<const uint8_t> bytes) {
  producers_.clear(), written_.clear();
  const auto corrupt = [this](const char* what) {
    producers_.clear();
    return Status(ION_E_CORRUPT, std::string("producer snapshot: ") + what);
  };
  constexpr size_t kHead = 16, kTail = 4, kEntry = 11, kBatch = 24;
  if (bytes.size() < kHead + kTail || !std::equal(bytes.begin(), bytes.begin() + 4, "IPW1")) return corrupt("not one of ours");
  const auto body = bytes.first(bytes.size() - kTail);
  if (crc32c::of(body) != batch::load_big<uint32_t>(bytes.data() + body.size())) return corrupt("checksum differs");
  const Offset upto{batch::load_big<int64_t>(body.data() + 4)};
  const auto count = batch::load_big<uint32_t>(body.data() + 12);
  size_t at = kHead;
  for (uint32_t n = 0; n < count; ++n) {
    if (body.size() - at < kEntry) return corrupt("ends early");
    Producer p;
    const auto id = batch::load_big<int64_t>(body.data() + at);
    p.epoch = batch::load_big<int16_t>(body.data() + at + 8);
    p.kept = body[at + 10];
    at += kEntry;
    if (p.kept == 0 || p.kept > kBatchesKept || body.size() - at < p.kept * kBatch) return corrupt("a producer does not fit");
    for (size_t i = 0; i < p.kept; ++i, at += kBatch) {
      const uint8_t* b = body.data() + at;
      p.last[i] = {{batch::load_big<int64_t>(b)}, {batch::load_big<int64_t>(b + 8)}, batch::load_big<int32_t>(b + 16), batch::load_big<int32_t>(b + 20)};
    }
    producers_.emplace(id, p);
  }
  if (at != body.size()) return corrupt("has bytes too many");
  order_by_last_batch();
  return upto;
}

}  // namespace ion::partition
