#include "pipeline/batch_codecs.h"

#include <codecs/batches.h>

#include <utility>

namespace ion::pipeline {

namespace {
constexpr uint64_t kStoredBytesMax = uint64_t{1} << 30;  // the most that limits.decompressed_bytes_max may be
}

struct BatchCodecs::Pair {
  codecs::Compressor compressor;
  codecs::Decompressor decompressor;
};

BatchCodecs::BatchCodecs(uint64_t opened_bytes_max) : opened_bytes_max_(opened_bytes_max) {}
BatchCodecs::~BatchCodecs() = default;

std::unique_ptr<BatchCodecs::Pair> BatchCodecs::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Pair> pair = std::move(idle_.back());
      idle_.pop_back();
      return pair;
    }
  }
  return std::make_unique<Pair>();
}

void BatchCodecs::give_back(std::unique_ptr<Pair> pair) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(pair));
}

Result<Buf> BatchCodecs::open(std::span<const ion_buf> parts, const batch::Header& h, Admit admit) {
  return open_up_to(opened_bytes_max_, parts, h, std::move(admit));
}

Result<Buf> BatchCodecs::open_stored(std::span<const ion_buf> parts, const batch::Header& h, Admit admit) {
  Result<Buf> opened = open_up_to(kStoredBytesMax, parts, h, std::move(admit));
  if (!opened && opened.error().code() == ION_E_INVALID) return Status(ION_E_CORRUPT, opened.error().message());
  return opened;
}

Result<Buf> BatchCodecs::open_up_to(uint64_t bytes_max, std::span<const ion_buf> parts, const batch::Header& h, Admit admit) {
  std::unique_ptr<Pair> pair = take();
  Result<Buf> opened = codecs::open_batch(pair->decompressor, parts, h, {bytes_max, 0, std::move(admit)});
  give_back(std::move(pair));
  return opened;
}

Result<std::vector<uint8_t>> BatchCodecs::close(std::vector<uint8_t> whole, const batch::Header& like) {
  const batch::Header h = batch::read_header(whole.data());
  if (like.codec() == 0 || h.codec() != 0 || h.count == 0) return whole;
  std::unique_ptr<Pair> pair = take();
  const Result<Buf> closed = codecs::compress_batch(pair->compressor, static_cast<codecs::Codec>(like.codec()), codecs::kDefaultLevel, whole);
  give_back(std::move(pair));
  if (closed && !closed->empty()) whole.assign(closed->data(), closed->data() + closed->size());
  return whole;
}

}  // namespace ion::pipeline
