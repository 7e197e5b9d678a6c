// Order and window of one produce stream. A batch enters the lane of its partition and leaves it, with its ack, behind the
// batches that entered before it; lanes do not wait for each other. The window closes when too many batches or bytes are held: a
// batch counts until its ack has left, its bytes until it is settled. Then the stream reads no further, and the client feels it by flow
// control.
// Invariant: every ticket is settled exactly once; acks of one partition come out in the order of entering.
// Pure; owned by one stream, used in its strand.
#pragma once
#include "core/produce_envelope.h"

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ion::transport_grpc {

class AckLanes {
 public:
  struct Limits {
    uint64_t messages = 1024, bytes = 16 << 20;
  };
  using Ticket = uint32_t;
  struct Entered {
    Ticket ticket = 0;
    const std::string* topic = nullptr;  // stays until the ticket is settled
  };

  explicit AckLanes(Limits limits) : limits_(limits) {}

  // A batch of `bytes` (as they are held, not as they were sent) is on its way.
  Entered enter(std::string_view topic, int32_t partition, uint64_t bytes);
  void settle(Ticket ticket, Ack ack);

  // May another message be read? One may always be, so that a batch above the limit passes alone.
  bool open() const noexcept { return held_ == 0 || (held_ < limits_.messages && held_bytes_ < limits_.bytes); }
  uint64_t held_bytes() const noexcept { return held_bytes_; }
  bool empty() const noexcept { return held_ == 0; }  // nothing in flight, no ack left
  bool has_acks() const noexcept { return !ready_.empty(); }
  // Appends up to `most` acks to an encoded ProduceResponse; the window opens by as many batches.
  size_t take(std::string& response, size_t most);

 private:
  static constexpr Ticket kNone = UINT32_MAX;
  struct Lane {  // tickets that have not come out, linked through their slots
    Ticket first = kNone, last = kNone;
  };
  using Lanes = std::map<std::pair<std::string, int32_t>, Lane>;
  struct Slot {
    Ack ack;
    uint64_t bytes = 0;
    Lanes::iterator lane;
    Ticket next = kNone;  // in the lane
    bool used = false, settled = false;
  };
  Lanes::iterator lane_of(std::string_view topic, int32_t partition);
  void forget_idle_lanes();

  const Limits limits_;
  Lanes lanes_;
  Lanes::iterator last_ = lanes_.end();  // streams stay with one partition for long
  std::vector<Slot> slots_;
  std::vector<Ticket> free_;
  std::deque<Ticket> ready_;  // settled, their turn has come
  uint64_t held_ = 0, held_bytes_ = 0;
};

}  // namespace ion::transport_grpc
