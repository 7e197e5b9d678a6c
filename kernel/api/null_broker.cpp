#include "api/null_broker.h"

#include <ion/record_writer.h>

#include <algorithm>

namespace ion::api {

namespace {
constexpr int64_t kEnd = int64_t{1} << 40;  // as if so many records were there
constexpr uint64_t kFetchDefault = 1u << 20;
}  // namespace

struct NullBroker::Sample {
  batch::Header header;
  std::vector<uint8_t> bytes;
};

NullBroker::NullBroker() {
  auto sample = std::make_shared<Sample>();
  const std::vector<uint8_t> value(1024, 'x');
  batch::RecordWriter writer;
  for (int i = 0; i < 250; ++i) {
    batch::NewRecord r;
    r.value = std::span<const uint8_t>(value);
    writer.append(r);
  }
  sample->bytes = writer.finish();
  sample->header = batch::read_header(sample->bytes.data());
  sample_.store(std::move(sample));
}

Answer NullBroker::produce(Op& op, const ion_produce_req& r, ion_produce_answer& a) {
  const std::span<const ion_buf> parts(r.parts, r.nparts);
  if (bytes_in(parts) < batch::kHeaderBytes) {
    const Status bad(ION_E_INVALID, "record batch: want at least 61 bytes", "CORRUPT_BATCH");
    return explain(a.error, bad), op.refuse(bad);
  }
  uint8_t raw[batch::kHeaderBytes];
  copy_out(parts, 0, sizeof raw, raw);
  const batch::Header h = batch::read_header(raw);
  if (h.total_bytes() > largest_.load(std::memory_order_relaxed)) keep(h, parts);
  a.base = next_offset_.fetch_add(h.count, std::memory_order_relaxed);
  a.next = a.base + h.count;
  a.flags = 0;
  a.log_start = 0;
  a.high_watermark = a.next;
  a.append_time_ms = -1;
  a.log_id = 1;
  return op.ok(static_cast<uint64_t>(a.base), static_cast<uint64_t>(a.next));
}

// Only growing batches are kept, so a run of equal ones copies once.
void NullBroker::keep(const batch::Header& h, std::span<const ion_buf> parts) {
  largest_.store(h.total_bytes(), std::memory_order_relaxed);
  auto sample = std::make_shared<Sample>();
  sample->header = h;
  sample->bytes.resize(bytes_in(parts));
  copy_out(parts, 0, sample->bytes.size(), sample->bytes.data());
  sample_.store(std::move(sample), std::memory_order_release);
}

// As many copies of the sample as fit, each behind a prefix with its own base offset.
Answer NullBroker::fetch(Op& op, const ion_fetch_req& r, ion_fetch_answer& a) {
  struct Lease {
    std::atomic<uint32_t> references{1};
    std::shared_ptr<const Sample> sample;
    static void retain(void* o) noexcept { static_cast<Lease*>(o)->references.fetch_add(1, std::memory_order_relaxed); }
    static void release(void* o) noexcept {
      auto* lease = static_cast<Lease*>(o);
      if (lease->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete lease;
    }
  };
  static constexpr ion_buf_ops kOps{sizeof(ion_buf_ops), ION_BUF_MAPPED, &Lease::retain, &Lease::release};

  auto* lease = new Lease;
  lease->sample = sample_.load(std::memory_order_acquire);
  const Sample& s = *lease->sample;
  const uint64_t bytes_max = r.bytes_max == 0 ? kFetchDefault : r.bytes_max;
  const uint64_t copies = std::clamp<uint64_t>(bytes_max / s.bytes.size(), 1, 8);
  uint8_t* prefixes = nullptr;
  const Buf prefix = Buf::allocate(copies * batch::kPrefixBytes, &prefixes);
  Bufs bufs;
  bufs.reserve(copies * 2);
  Offset base{r.offset};
  const Buf body = Buf::adopt({s.bytes.data() + batch::kPrefixBytes, s.bytes.size() - batch::kPrefixBytes, &kOps, lease});
  for (uint64_t i = 0; i < copies; ++i) {
    batch::write_prefix(prefixes + i * batch::kPrefixBytes, base, s.header.length, Epoch{0});
    base = base + s.header.count;
    bufs.push_back(prefix.slice(i * batch::kPrefixBytes, batch::kPrefixBytes));
    bufs.push_back(body.clone());
  }
  a.flags = 0;
  a.base = r.offset;
  a.next = base.v;
  a.log_start = 0;
  a.high_watermark = kEnd;
  a.log_id = 1;
  return op.ok(static_cast<uint64_t>(a.base), static_cast<uint64_t>(a.next), bufs);
}

Answer NullBroker::offset_for(Op& op, const ion_offset_req& r, ion_offset_answer& a) {
  a.offset = r.what == ION_OFFSET_START ? 0 : kEnd;
  a.time_ms = -1;
  return op.ok(static_cast<uint64_t>(a.offset));
}

Status NullBroker::partition_of(const ion_partition_req&, ion_partition_answer& a) {
  a.partition = 0;
  a.partitions = 1;
  return {};
}

Answer NullBroker::init_producer(Op& op, const ion_producer_req&, ion_producer_answer& a) {
  a.producer_id = next_producer_.fetch_add(1, std::memory_order_relaxed);
  a.epoch = 0;
  return op.ok(static_cast<uint64_t>(a.producer_id));
}

Answer NullBroker::tell(Op& op, const ion_topic_req& r, ion_admin_answer&) {
  if (r.each_broker != nullptr) {
    const ion_broker_info me{sizeof(ion_broker_info), 0, 1, bytes_of(address_), {}, bytes_of("null")};
    r.each_broker(r.ctx, &me);
  }
  if (r.each == nullptr || r.name.n == 0) return op.ok();
  const uint64_t replica = 1;
  const ion_partition_info partition{sizeof(ion_partition_info), 0, 1, 1, 0, 1, &replica, 0, kEnd, 0, ION_OK, -1, -1};
  const ion_partition_info* pointer = &partition;
  const ion_topic_info topic{sizeof(ion_topic_info), 0, r.name, {}, 1, 1, &pointer, nullptr, 0, 0};
  r.each(r.ctx, &topic);
  return op.ok();
}

Answer NullBroker::cluster_info(Op& op, const ion_cluster_req& r, ion_cluster_answer& a) {
  a.node = a.controller = 1;
  std::snprintf(a.cluster_id, sizeof a.cluster_id, "null");
  std::snprintf(a.version, sizeof a.version, "null");
  a.topics = a.partitions = a.started_ms = 0;
  if (r.each_broker != nullptr) {
    const ion_broker_info me{sizeof(ion_broker_info), 0, 1, bytes_of(address_), {}, bytes_of("null")};
    r.each_broker(r.ctx, &me);
  }
  return op.ok();
}

}  // namespace ion::api
