// Which partition of a subscription is read next, and what may be held for a slow reader. A part is in line to be read, is being
// read, is parked (it was read to its end and waits for records), or has failed for good.
//
//   in line --next_fetch()--> read --fetched()--> in line        parked --fetched()--> in line
//                             read --waited()---> parked         parked --waited()---> parked
//
// What is bounded: reads at once and the bytes that they may bring, frames that are fetched and not yet written (ready bytes), and
// what the reader has asked for (credit). Parts are read in turn and wait in line while there is no space. Parking takes no bytes;
// a parked fetch that wakes up while there is no space is dropped and its part stands in line again. So neither a stopped reader nor
// a thousand parts hold more than the ready bytes and one frame.
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
  enum class Kind : uint8_t { kRead, kPark };  // answer what is there, which may be nothing; or wait for records
  struct Fetch {
    size_t part = 0;
    uint64_t bytes_max = 0;
    Kind kind = Kind::kRead;
  };
  static constexpr size_t kReadsAtOnceMax = 4;

  SubscriptionPlan(std::vector<Part> parts, uint64_t credit_bytes, Limits limits);

  // What is asked next; none: nobody waits, or no space, or no credit.
  std::optional<Fetch> next_fetch();
  bool has_space() const noexcept { return credit_ > 0 && ready_bytes_ < limits_.ready_bytes; }
  // Data came, and has_space() holds: the part goes on at `next_offset`. `bytes` are paid from the credit, `held_bytes` are counted
  // until sent().
  void fetched(size_t part, int64_t next_offset, uint64_t bytes, uint64_t held_bytes);
  void dropped(size_t part);  // data came without space, or the fetch was refused for a while: as if nothing had been asked
  void waited(size_t part);   // no data: the part is parked next
  void failed(size_t part);   // it is read no further
  void sent(uint64_t held_bytes);
  // From now on; what is ready already stays. Not 0.
  void limit(uint64_t frame_bytes, uint64_t ready_bytes) noexcept { limits_.frame_bytes = frame_bytes, limits_.ready_bytes = ready_bytes; }

  uint64_t grant(uint64_t bytes);  // answers what is left after it
  bool all_failed() const noexcept { return failures_ == parts_.size(); }
  const Part& part(size_t i) const { return parts_[i]; }
  size_t size() const noexcept { return parts_.size(); }
  uint64_t ready_bytes() const noexcept { return ready_bytes_; }

 private:
  void ended(size_t part);
  uint64_t park_bytes() const noexcept;

  Limits limits_;
  std::vector<Part> parts_;
  struct Turn {
    bool asked = false;
    uint64_t reserved = 0;  // bytes; 0: parked
  };
  std::vector<Turn> turns_;
  std::deque<size_t> line_;     // parts to be read
  std::deque<size_t> parking_;  // parts to be parked
  int64_t credit_;              // may fall below zero by one batch, since at least one is given
  uint64_t ready_bytes_ = 0, reserved_ = 0;
  size_t reads_ = 0, failures_ = 0;
};

}  // namespace ion::transport_grpc
