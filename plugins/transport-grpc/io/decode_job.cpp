#include "io/decode_job.h"

#include <ion/record_batch.h>

#include <vector>

namespace ion::transport_grpc {

std::string joined(const Bufs& batches) {
  uint64_t bytes = 0;
  for (const Buf& buf : batches) bytes += buf.size();
  std::string to;
  to.reserve(bytes);
  for (const Buf& buf : batches) to.append(buf.text());
  return to;
}

// Looks at headers alone; what is no batch is for decode_messages to find.
bool DecodeJob::is_needed(const Bufs& batches) {
  std::vector<ion_buf> parts;
  for (const Buf& buf : batches) parts.push_back(buf.raw());
  const uint64_t bytes = bytes_in(parts);
  for (uint64_t at = 0; bytes - at >= batch::kHeaderBytes;) {
    uint8_t raw[batch::kHeaderBytes];
    copy_out(parts, at, sizeof raw, raw);
    const batch::Header h = batch::read_header(raw);
    if (h.codec() != 0) return true;
    if (h.length < static_cast<int32_t>(batch::kHeaderBytes - batch::kLengthEnd) || h.total_bytes() > bytes - at) return false;
    at += h.total_bytes();
  }
  return false;
}

Status DecodeJob::start(GrpcCall& call, LimitedJobs& jobs, Bufs batches, DecodeWish wish, OpenedBatch* kept) {
  ION_ASSERT(!under_way());
  call_ = &call, batches_ = std::move(batches), wish_ = std::move(wish), kept_ = kept;
  call.asked();
  const Status posted = jobs.post([this, keep = call.shared_from_this()] {
    decoded_.emplace(decode_messages(joined(std::exchange(batches_, {})), wish_, kept_));
    keep->post(*this);
  });
  if (posted.ok()) return {};
  batches_.clear();
  std::exchange(call_, nullptr)->answered();
  return posted;
}

Result<Decoded> DecodeJob::take_decoded() {
  std::exchange(call_, nullptr)->answered();
  Result<Decoded> decoded = *std::move(decoded_);
  decoded_.reset();
  return decoded;
}

}  // namespace ion::transport_grpc
