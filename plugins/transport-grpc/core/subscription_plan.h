// Which partition of a subscription is read next, and what may be held for a reader that is slow. Parts take turns; a part waits
// for its turn, is being fetched (perhaps parked at the log's end), or has failed for good.
// What is bounded: frames that are fetched and not yet written (ready bytes), and what the reader has asked for (credit). A parked
// fetch that wakes up while there is no space is dropped, its bytes released, and its part waits for its turn again: so a
// stopped reader holds one frame on its way, the ready ones, and nothing else.
// Pure; owned by one stream, used in its strand.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace ion::transport_grpc {

class SubscriptionPlan {
 public:
  struct Part {
    std::string topic;
    int32_t partition = 0;
    int64_t offset = 0;
    std::string topic_id = {};  // 16 bytes; empty: whichever topic has the name
  };
  struct Limits {
    uint64_t frame_bytes = 1 << 20;  // of one fetch
    uint64_t ready_bytes = 2 << 20;  // no further fetch above this
    uint64_t credit_bytes = 256 << 20;  // credit that is kept; more is cut off
  };
  struct Fetch {
    size_t part = 0;
    uint64_t bytes_max = 0;
  };
  enum class Verdict : uint8_t { kSend, kDrop };

  SubscriptionPlan(std::vector<Part> parts, uint64_t credit_bytes, Limits limits);

  // The part whose turn it is; none: nobody waits, or no space, or no credit.
  std::optional<Fetch> next_fetch();
  // Data came. kSend: the part goes on at `next_offset`, the bytes are counted until sent(). kDrop: as if nothing had been read.
  Verdict fetched(size_t part, int64_t next_offset, uint64_t bytes);
  void waited(size_t part);  // the wait ended without data
  void failed(size_t part);  // it is read no further
  void sent(uint64_t bytes);

  uint64_t grant(uint64_t bytes);  // answers what is left after it
  bool all_failed() const noexcept { return failures_ == parts_.size(); }
  const Part& part(size_t i) const { return parts_[i]; }
  size_t size() const noexcept { return parts_.size(); }
  uint64_t ready_bytes() const noexcept { return ready_bytes_; }

 private:
  bool module() const noexcept { return credit_ > 0 && ready_bytes_ < limits_.ready_bytes; }
  void stand_in_line(size_t part);

  const Limits limits_;
  std::vector<Part> parts_;
  std::vector<bool> fetching_;
  std::deque<size_t> line_;  // parts that wait for their turn
  int64_t credit_;           // may fall below zero by one batch, since at least one is given
  uint64_t ready_bytes_ = 0;
  size_t failures_ = 0;
};

}  // namespace ion::transport_grpc
