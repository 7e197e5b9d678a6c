/* ion.router/1: key to partition, replica placement, replica choice for reads. Pure: the same question has the same answer in
 * every process, since clients compute some of them too. Quick: called for each keyed request. Nothing is kept after a call. */
#ifndef ION_ABI_CONTRACT_ROUTER_H
#define ION_ABI_CONTRACT_ROUTER_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_ROUTER_ID "ion.router/1"
typedef struct ion_place_broker { uint64_t node; ion_bytes rack; uint64_t load; } ion_place_broker; /* frozen */
/* Answer: a row of `replication` nodes per partition, leader first; it is stored, never recomputed. */
typedef struct ion_place_req {
  uint32_t size, partitions, replication, nbrokers;
  const ion_place_broker* brokers;
  uint64_t seed;
} ion_place_req;
/* Which replica a reader should ask. */
typedef struct ion_replica_req {
  uint32_t size, nreplicas;
  const uint64_t* replicas; /* leader first */
  const ion_bytes* racks;   /* of the same length */
  ion_bytes client_rack;
} ion_replica_req;
typedef struct ion_router {
  uint32_t size, caps;
  /* *out is in [0, partitions); INVALID: partitions is 0. */
  ION_FN(ANY, partition, ion_bytes topic, ion_bytes key, uint32_t partitions, uint32_t* out);
  /* Writes partitions * replication node ids to `nodes`, which has room for `cap`. INVALID: too few brokers or too small a cap. */
  ION_FN(ANY, place, const ion_place_req* r, uint64_t* nodes, uint32_t cap);
  ION_FN(ANY, replica, const ion_replica_req* r, uint64_t* node); /* one of r->replicas */
} ion_router;

ION_EXTERN_C_END
#endif
