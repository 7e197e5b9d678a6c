// Opens and closes compressed batches. Contexts of the compression libraries are kept for the next batch, as many as calls ran at once
// (kIdleMax at most). Thread: ANY.
#pragma once
#include <ion/record_batch.h>
#include <ion/result.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace ion::pipeline {

class BatchCodecs {
 public:
  // `opened_bytes_max`: of one batch without compression (limits.decompressed_bytes_max).
  explicit BatchCodecs(uint64_t opened_bytes_max);
  ~BatchCodecs();
  BatchCodecs(const BatchCodecs&) = delete;
  using Admit = std::function<Status(uint64_t bytes)>;

  // A compressed batch without compression, as codecs::open_batch makes it. `admit` is asked before memory is taken; may be empty.
  Result<Buf> open(std::span<const ion_buf> parts, const batch::Header& h, Admit admit);
  // The same for what is stored, whatever the limit is now: CORRUPT where it cannot be opened.
  Result<Buf> open_stored(std::span<const ion_buf> parts, const batch::Header& h, Admit admit);
  // A batch that was opened and edited, with the codec of `like` again. The bytes as they are where that is none, where they have no
  // records or are compressed, where it does not make them smaller, and where there is no memory for it.
  Result<std::vector<uint8_t>> close(std::vector<uint8_t> whole, const batch::Header& like);

 private:
  static constexpr size_t kIdleMax = 16;
  struct Pair;  // of one compressor and one decompressor
  Result<Buf> open_up_to(uint64_t bytes_max, std::span<const ion_buf> parts, const batch::Header& h, Admit admit);
  std::unique_ptr<Pair> take();
  void give_back(std::unique_ptr<Pair> pair);

  const uint64_t opened_bytes_max_;
  std::mutex mutex_;  // of idle_
  std::vector<std::unique_ptr<Pair>> idle_;
};

}  // namespace ion::pipeline
