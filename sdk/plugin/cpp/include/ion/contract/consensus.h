// ion.consensus/1 in C++: Consensus opens Groups; a Machine is what a group drives. Promises: ion/abi/contract/consensus.h.
#pragma once
#include <ion/abi/contract/consensus.h>
#include <ion/op.h>
#include <ion/ports.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ion {

struct Entry {
  uint64_t index = 0, term = 0;
  std::span<const uint8_t> command;  // borrowed for the call
};
// The state that a group replicates. All calls on the group's shard, in order.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual void apply(std::span<const Entry> entries) = 0;
  virtual void role(ion_role role, uint64_t term, NodeId leader) = 0;
  virtual void members(std::span<const ion_member> now_in_force) { (void)now_in_force; }  // borrowed for the call
  virtual Answer snapshot(Op& op, uint64_t index) = 0;  // bufs: the state after applying `index`
  virtual Answer restore(Op& op, uint64_t index, uint64_t term, std::span<const ion_buf> parts) = 0;
};
struct GroupStat {
  ion_role role = ION_ROLE_FOLLOWER;
  uint64_t term = 0, leader = 0, commit = 0, applied = 0, last = 0;
};
class Group {
 public:
  virtual ~Group() = default;                                           // after close completed
  virtual Answer close(Op& op) = 0;                                     // CONTROL
  virtual Answer propose(Op& op, std::span<const ion_buf> parts) = 0;   // SHARD; u0 index, u1 term; done = applied here
  virtual Answer read_barrier(Op& op) = 0;                              // SHARD
  virtual Answer transfer(Op& op, NodeId to) = 0;                       // SHARD
  virtual Answer change(Op& op, std::span<const ion_member> items) = 0; // SHARD
  virtual Answer join(Op& op, std::span<const ion_bytes> managers) = 0; // CONTROL
  virtual GroupStat stat() = 0;                                         // SHARD
};
struct GroupSpec {
  std::string_view name;
  ShardId shard;
  NodeId node;
  std::span<const ion_member> bootstrap;
  ion_ref storage{};            // ion.storage/1, as the host gave it
  Machine* machine = nullptr;   // outlives the group
};
class Consensus {
 public:
  virtual ~Consensus() = default;
  virtual uint32_t caps() const = 0;
  virtual Answer open(Op& op, const GroupSpec& spec, std::unique_ptr<Group>* out) = 0;  // CONTROL
};

}  // namespace ion
