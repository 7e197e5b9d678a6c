#include "core/partition_queue.h"

#include <codecs/batches.h>
#include <ion/record_reader.h>

#include <algorithm>
#include <iterator>

namespace ion::client {

namespace {
void append_again(const batch::Record& record, batch::RecordWriter& to) {
  std::vector<batch::RecordHeader> headers;
  batch::HeaderReader reader(record);
  while (const auto item = reader.next()) headers.push_back({item->key, item->value});
  to.append({record.key, record.value, record.time, headers});
}
}  // namespace

PartitionQueue::Grown PartitionQueue::append(const batch::NewRecord& record, Waiter waiter, uint64_t generation, Instant now,
                                             const ProducerLimits& limits) {
  const uint64_t more = batch::RecordWriter::bytes_for(record);
  Grown grown;
  const bool fits = !gathering.empty() && gathering.back().generation == generation &&
                    gathering.back().writer.bytes() + more <= limits.batch_bytes_max;
  if (!fits) {
    grown.batch = gathering.empty() ? Grown::Batch::kOpened : Grown::Batch::kRolled;
    // It will be about as large as the one before: its memory is taken at once, not by doubling.
    gathering.push_back({batch::RecordWriter(std::max(more, usual_bytes_)), {}, now, generation});
    gathering.back().waiters.reserve(usual_records_);
    grown.bytes = batch::kHeaderBytes;
  }
  Gathering& open = gathering.back();
  const uint64_t before = open.writer.bytes();
  open.writer.append(record);
  grown.bytes += open.writer.bytes() - before;
  open.waiters.push_back(std::move(waiter));
  ION_ASSERT(static_cast<size_t>(open.writer.count()) == open.waiters.size());
  return grown;
}

BatchBytes BatchPacker::pack(std::vector<uint8_t> whole) {
  if (codec_ != codecs::Codec::kNone && batch::read_header(whole.data()).count <= batch::kCompressedRecordsMax) {
    const Result<Buf> packed = codecs::compress_batch(compressor_, codec_, level_, whole);  // without memory it goes as it is
    if (packed && !packed->empty()) return std::make_shared<const std::vector<uint8_t>>(packed->data(), packed->data() + packed->size());
  }
  return std::make_shared<const std::vector<uint8_t>>(std::move(whole));
}

Buf BatchPacker::unpack(const std::vector<uint8_t>& packed) {
  const batch::Header h = batch::read_header(packed.data());
  if (h.codec() == 0) return Buf::copy(packed);
  codecs::Decompressor by;  // seldom asked
  const ion_buf part = borrowed(packed);
  Result<Buf> whole = codecs::open_batch(by, {&part, 1}, h, {UINT32_MAX, 0, {}});
  ION_ASSERT(whole);  // we packed it
  return *std::move(whole);
}

InFlight& PartitionQueue::close_front(bool idempotent, BatchPacker& packer) {
  ION_ASSERT(!gathering.empty() && !gathering.front().writer.empty());
  ION_ASSERT(!idempotent || session.is == Session::Is::kWell);
  Gathering& front = gathering.front();
  usual_bytes_ = std::max({front.writer.bytes() + front.writer.bytes() / 16, usual_bytes_ / 2, kFirstReserve});
  usual_records_ = std::max(front.waiters.size() + front.waiters.size() / 16, usual_records_ / 2);
  InFlight batch;
  batch::Identity who;
  if (idempotent) {
    who = {session.producer, session.epoch, session.next_sequence};
    batch.sequence = session.next_sequence;
    session.next_sequence = batch::advance_sequence(session.next_sequence, front.writer.count());
  }
  batch.bytes = packer.pack(front.writer.finish(who));
  batch.waiters = std::move(front.waiters);
  batch.opened = front.opened;
  batch.generation = front.generation;
  gathering.pop_front();
  in_flight.push_back(std::move(batch));
  return in_flight.back();
}

uint64_t PartitionQueue::mark_sent(InFlight& batch, LinkState& link, uint64_t correlation, Instant now) {
  ION_ASSERT(batch.is == InFlight::Is::kToSend && link.is == LinkState::Is::kUp);
  batch.is = InFlight::Is::kSent;
  batch.link = &link;
  batch.correlation = correlation;
  batch.sent_at = now;
  ++batch.attempts;
  return batch.bytes->size();
}

InFlight* PartitionQueue::find(uint64_t correlation) {
  for (InFlight& batch : in_flight)
    if (batch.is == InFlight::Is::kSent && batch.correlation == correlation) return &batch;
  return nullptr;
}

InFlight PartitionQueue::take(InFlight& batch) {
  const auto at = std::find_if(in_flight.begin(), in_flight.end(), [&](const InFlight& b) { return &b == &batch; });
  ION_ASSERT(at != in_flight.end());
  InFlight out = std::move(*at);
  in_flight.erase(at);
  return out;
}

uint64_t PartitionQueue::halve(InFlight& whole, BatchPacker& packer) {
  const auto at = std::find_if(in_flight.begin(), in_flight.end(), [&](const InFlight& b) { return &b == &whole; });
  ION_ASSERT(at != in_flight.end() && whole.is == InFlight::Is::kToSend && whole.waiters.size() > 1);
  const batch::Header header = batch::read_header(whole.bytes->data());
  const Buf unpacked = packer.unpack(*whole.bytes);
  Result<batch::RecordReader> reader = batch::RecordReader::open(unpacked.span());
  ION_ASSERT(reader);
  const size_t first_records = whole.waiters.size() / 2, records[2] = {first_records, whole.waiters.size() - first_records};
  InFlight halves[2];
  int32_t sequence = whole.sequence;
  auto waiter = whole.waiters.begin();
  uint64_t bytes = 0;
  for (size_t h = 0; h < 2; ++h) {
    InFlight& half = halves[h];
    batch::RecordWriter writer(unpacked.size() / 2);
    for (size_t i = 0; i < records[h]; ++i) {
      const Result<std::optional<batch::Record>> record = reader->next();
      ION_ASSERT(record && *record);  // we wrote it
      append_again(**record, writer);
    }
    half.sequence = sequence;
    if (sequence >= 0) sequence = batch::advance_sequence(sequence, static_cast<int32_t>(records[h]));
    half.bytes = packer.pack(writer.finish({header.producer, header.producer_epoch, half.sequence}));
    half.waiters.assign(std::make_move_iterator(waiter), std::make_move_iterator(waiter + static_cast<std::ptrdiff_t>(records[h])));
    waiter += static_cast<std::ptrdiff_t>(records[h]);
    half.opened = whole.opened, half.generation = whole.generation, half.attempts = whole.attempts;
    bytes += half.bytes->size();
  }
  *at = std::move(halves[0]);
  in_flight.insert(at + 1, std::move(halves[1]));
  return bytes;
}

void PartitionQueue::adopt(ProducerId producer, ProducerEpoch epoch) {
  ION_ASSERT(in_flight.empty() && session.is != Session::Is::kWell);
  session = {producer, epoch, 0, Session::Is::kWell};
  behind_no_space = {};
  for (InFlight& batch : orphans) {
    batch.sequence = session.next_sequence;
    batch.bytes = std::make_shared<const std::vector<uint8_t>>(restamped(*batch.bytes, {producer, epoch, batch.sequence}));
    session.next_sequence = batch::advance_sequence(session.next_sequence, static_cast<int32_t>(batch.waiters.size()));
    batch.is = InFlight::Is::kToSend;
    batch.link = nullptr;
  }
  in_flight = std::move(orphans);
  orphans.clear();
}

bool PartitionQueue::any(InFlight::Is what) const {
  return std::any_of(in_flight.begin(), in_flight.end(), [what](const InFlight& b) { return b.is == what; });
}

bool PartitionQueue::ripe(Instant now, const ProducerLimits& limits, uint64_t flush_generation) const {
  if (gathering.empty()) return false;
  const Gathering& front = gathering.front();
  return gathering.size() > 1 || in_flight.empty() || front.writer.bytes() >= limits.batch_bytes_ready ||
         front.generation < flush_generation || now - front.opened >= limits.linger;
}

std::vector<uint8_t> restamped(const std::vector<uint8_t>& old, const batch::Identity& who) {
  ION_ASSERT(old.size() >= batch::kHeaderBytes);
  std::vector<uint8_t> out = old;
  batch::Header h = batch::read_header(out.data());
  h.producer = who.producer, h.producer_epoch = who.epoch, h.base_sequence = who.base_sequence;
  batch::write_header(out.data(), h);
  batch::store_big<uint32_t>(out.data() + batch::kCrcAt, crc32c::of(std::span<const uint8_t>(out).subspan(batch::kCrcFrom)));
  return out;
}

}  // namespace ion::client
