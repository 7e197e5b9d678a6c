// What gRPC itself can do on this machine: a server and a client of raw ByteBuffers with static slices, no protobuf, no broker.
// The ceiling that the null broker is measured against. The client half also loads a real broker: a head before each payload and
// a counter of acks make its messages any request.
// Method of measuring: performance, "Ceilings". One connection per call of run_*; one completion queue and one thread at the
// client. Thread: run_* block the caller; a server has threads of its own until it is destroyed.
#pragma once
#include <ion/result.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ion::bench {

// Channel arguments, the same at both ends; 0 leaves gRPC's own value.
struct RawTuning {
  uint64_t frame_bytes = 1 << 20;
  uint64_t lookahead_bytes = 4 << 20;
  uint64_t read_chunk_bytes = 256 << 10;
  bool bdp_probe = true;
};

// Serves /raw/Produce (each message is answered by 16 bytes), /raw/Fetch (one request of two little-endian u64, count and size,
// then so many messages) and /raw/Unary. `threads`: completion queues, each with its thread.
class RawServer {
 public:
  static Result<std::unique_ptr<RawServer>> start(const std::string& address, uint32_t threads, const RawTuning& tuning);
  virtual ~RawServer() = default;
  virtual const std::string& address() const = 0;  // with the real port
};

struct RawFigures {
  uint64_t messages = 0, bytes = 0;  // payload
  double seconds = 0;
  std::vector<double> latency_us;    // sorted; of unary calls
  double messages_per_s() const { return seconds == 0 ? 0 : static_cast<double>(messages) / seconds; }
  double mb_per_s() const { return seconds == 0 ? 0 : static_cast<double>(bytes) / 1e6 / seconds; }
  double percentile_us(double p) const {
    return latency_us.empty() ? 0 : latency_us[static_cast<size_t>(p * static_cast<double>(latency_us.size() - 1))];
  }
};

using Payload = std::string;  // the same bytes in every message, never copied
// For how many messages an answer stands.
using CountAnswers = uint64_t (*)(const std::string& answer);
uint64_t one_answer(const std::string& answer);

// A stream that sends; `window` messages may be unanswered.
struct SendLoad {
  std::string method = "/raw/Produce";
  std::string first_head, head;  // before the payload of the first message and of the others
  Payload payload;
  uint64_t messages = 0, window = 32;
  CountAnswers answers = &one_answer;
};
Result<RawFigures> run_send(const std::string& address, const SendLoad& load, const RawTuning& tuning);

// A stream that receives: one request, then `messages` messages of at least `counted_from` bytes (smaller ones are passed over).
struct ReceiveLoad {
  std::string method = "/raw/Fetch";
  std::string request;
  uint64_t messages = 0, counted_from = 0;
};
Result<RawFigures> run_receive(const std::string& address, const ReceiveLoad& load, const RawTuning& tuning);
std::string raw_fetch_request(uint64_t messages, uint64_t bytes);

// Unary calls, `in_flight` at a time.
struct UnaryLoad {
  std::string method = "/raw/Unary";
  std::string head;
  Payload payload;
  uint64_t calls = 0, in_flight = 1;
};
Result<RawFigures> run_unary(const std::string& address, const UnaryLoad& load, const RawTuning& tuning);

// The usual window for messages of a size: deep for small ones, about 8 MiB in flight at most.
uint64_t usual_window(uint64_t message_bytes);

}  // namespace ion::bench
