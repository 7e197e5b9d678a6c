/* ion.consensus/1: replicated groups of commands. The storage reference is handed over at open. All items of one `change`
 * are one joint change. Lost leadership completes propose with UNKNOWN_OUTCOME; NOT_LEADER has the hint in u0. */
#ifndef ION_ABI_CONTRACT_CONSENSUS_H
#define ION_ABI_CONTRACT_CONSENSUS_H
#include <ion/abi/host.h>
ION_EXTERN_C_BEGIN

#define ION_CONSENSUS_ID "ion.consensus/1"
typedef struct ion_group ion_group;
typedef enum ion_role { ION_ROLE_FOLLOWER = 0, ION_ROLE_CANDIDATE = 1, ION_ROLE_LEADER = 2, ION_ROLE_LEARNER = 3 } ion_role;
typedef enum ion_change { ION_CHANGE_NONE = 0, ION_CHANGE_ADD = 1, ION_CHANGE_PROMOTE = 2, ION_CHANGE_DEMOTE = 3, ION_CHANGE_LEAVE = 4 } ion_change;
/* One broker of a group. role: an ion_role; change: an ion_change, only in `change`. */
typedef struct ion_member { uint64_t node; ion_bytes address; uint32_t role, change; } ion_member; /* frozen */
/* One committed command, borrowed for the call. */
typedef struct ion_entry { uint64_t index, term; ion_buf command; } ion_entry;                     /* frozen */
/* The kernel's callbacks, all on the group's shard and in order. The table lives until `close` completed. apply, role and members
 * cannot fail: a machine that did not take an entry must not go on. */
typedef struct ion_machine {
  uint32_t size, flags;
  void* self;
  ION_RET(SHARD, void, apply, void* self, const ion_entry* entries, uint32_t n);
  ION_RET(SHARD, void, role, void* self, uint32_t role, uint64_t term, uint64_t leader);
  ION_RET(SHARD, void, members, void* self, const ion_member* now_in_force, uint32_t n);
  ION_OP(SHARD, snapshot, uint64_t index); /* bufs: the state after applying index */
  /* Replaces the state by that of a snapshot after `index`; entries follow from index + 1. */
  ION_OP(SHARD, restore, uint64_t index, uint64_t term, const ion_buf* parts, uint32_t n);
} ion_machine;
/* What to open. Borrowed until completion, except `machine`. */
typedef struct ion_group_spec {
  uint32_t size, shard; /* shard: where the group's calls and callbacks run */
  ion_bytes name;       /* also the name of its log */
  uint64_t node;        /* the id of this broker */
  const ion_member* bootstrap;
  uint32_t nbootstrap, flags;
  ion_ref storage; /* ion.storage/1 */
  const ion_machine* machine;
} ion_group_spec;
/* Indexes of commands: known as committed, applied here, last in the log. leader: node id, 0 unknown. */
typedef struct ion_group_stat { uint32_t size, role; uint64_t term, leader, commit, applied, last; } ion_group_stat;
typedef struct ion_consensus {
  uint32_t size, caps;
  ION_OP(CONTROL, open, const ion_group_spec* spec, ion_group** out); /* done = the local log is replayed as far as known committed */
  ION_OP(CONTROL, close, ion_group* g); /* no callback runs afterwards; with OK the handle is gone */
  ION_OP(SHARD, propose, ion_group* g, const ion_buf* parts, uint32_t n); /* u0 index, u1 term; done = applied here */
  ION_OP(SHARD, read_barrier, ion_group* g); /* done: all that was committed when it was asked is applied here */
  ION_OP(CONTROL, join, ion_group* g, const ion_bytes* managers, uint32_t n);
  ION_OP(SHARD, change, ion_group* g, const ion_member* items, uint32_t n);
  ION_OP(SHARD, transfer, ion_group* g, uint64_t to_node);
  ION_FN(SHARD, stat, ion_group* g, ion_group_stat* out);
} ion_consensus;

ION_EXTERN_C_END
#endif
