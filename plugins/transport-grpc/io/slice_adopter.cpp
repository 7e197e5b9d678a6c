#include "io/slice_adopter.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace ion::transport_grpc {
namespace {

constexpr size_t kHeadCopiedMax = 1024;

class SliceHolder final : public MessageHolder {
 public:
  SliceHolder(grpc::ByteBuffer& received, std::vector<grpc::Slice> slices, uint64_t block_bytes) : slices_(std::move(slices)) {
    buffer_.Swap(&received);
    parts.reserve(slices_.size());
    for (const grpc::Slice& slice : slices_)  // a tiny slice holds its bytes in itself: only now it stays where it is
      if (slice.size() != 0) add_part(slice.begin(), slice.size());
    held_bytes = bytes + std::min(bytes, block_bytes);  // the blocks that it begins and ends in; neighbours share them
  }

 private:
  // Goes behind the slices. gRPC counts this memory; when it is short of it, bytes that come back wake it on the thread that brings them,
  // which may be any. Destroying a buffer prepares the thread for that, destroying a slice does not and would end the process.
  grpc::ByteBuffer buffer_;
  const std::vector<grpc::Slice> slices_;
};

grpc::Slice head_slice(std::string head) {
  if (head.size() <= kHeadCopiedMax) return {head.data(), head.size()};
  auto* kept = new std::string(std::move(head));
  return {kept->data(), kept->size(), [](void* text) { delete static_cast<std::string*>(text); }, kept};
}

grpc::Slice payload_slice(Buf part, TransportMetrics& metrics) {
  if (part.raw().ops == nullptr) {
    metrics.payload_copied(part.size());
    return {part.data(), part.size()};
  }
  const ion_buf lent = part.release();
  return {const_cast<uint8_t*>(lent.p), lent.n, lent.ops->release, lent.owner};  // gRPC only reads
}

}  // namespace

grpc::ByteBuffer adopt(OutMessage message, TransportMetrics& metrics) {
  std::vector<grpc::Slice> slices;
  slices.reserve(1 + message.payload.size());
  if (!message.head.empty()) slices.push_back(head_slice(std::move(message.head)));
  for (Buf& part : message.payload)
    if (!part.empty()) slices.push_back(payload_slice(std::move(part), metrics));
  return {slices.data(), slices.size()};
}

Message take(grpc::ByteBuffer& received, const ReceiveRules& rules, TransportMetrics& metrics) {
  std::vector<grpc::Slice> slices;
  if (received.Valid()) (void)received.Dump(&slices);
  const uint64_t bytes = received.Valid() ? received.Length() : 0;
  if (bytes >= rules.copy_below) return Message(new SliceHolder(received, std::move(slices), rules.block_bytes));
  std::vector<uint8_t> own;
  own.reserve(bytes);
  for (const grpc::Slice& slice : slices) own.insert(own.end(), slice.begin(), slice.end());
  metrics.small_copied(bytes);
  return Message(new OwnedBytes(std::move(own)));
}

}  // namespace ion::transport_grpc
