// transport-grpc in this process, in front of a broker API that acks at once and serves the same leased bytes again and again.
#pragma once
#include <ion/result.h>

#include <cstdint>
#include <memory>
#include <string>

namespace ion::bench {

struct NullOptions {
  uint64_t fetch_bytes = 64 << 10;  // of one fetch's answer
  uint64_t frame_bytes = 1 << 20, lookahead_bytes = 4 << 20, read_chunk_bytes = 256 << 10;
};

class NullTransport {
 public:
  static Result<std::unique_ptr<NullTransport>> start(const NullOptions& options);
  virtual ~NullTransport() = default;
  virtual std::string address() = 0;
};

}  // namespace ion::bench
