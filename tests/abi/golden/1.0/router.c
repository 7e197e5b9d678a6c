/* A router of ABI 1.0 in C: a sum of the key's bytes, brokers in turn, the leader for readers. */
#include "plugin.h"

#include <ion/abi/contract/router.h>

static ion_status partition(void* self, ion_bytes topic, ion_bytes key, uint32_t partitions, uint32_t* out) {
  uint32_t sum = 17;
  (void)self, (void)topic;
  if (partitions == 0) return ION_E_INVALID;
  for (uint64_t i = 0; i < key.n; ++i) sum = sum * 31 + key.p[i];
  *out = sum % partitions;
  return ION_OK;
}
static ion_status place(void* self, const ion_place_req* r, uint64_t* nodes, uint32_t cap) {
  (void)self;
  if (r->nbrokers == 0 || r->nbrokers < r->replication || (uint64_t)r->partitions * r->replication > cap) return ION_E_INVALID;
  for (uint32_t p = 0; p < r->partitions; ++p)
    for (uint32_t i = 0; i < r->replication; ++i) nodes[p * r->replication + i] = r->brokers[(r->seed + p + i) % r->nbrokers].node;
  return ION_OK;
}
static ion_status replica(void* self, const ion_replica_req* r, uint64_t* node) {
  (void)self;
  if (r->nreplicas == 0) return ION_E_INVALID;
  *node = r->replicas[0];
  return ION_OK;
}
static const ion_router router = {sizeof(ion_router), 0, partition, place, replica};

GOLDEN_PLUGIN("ion.test.golden-router", ION_ROUTER_ID, router)
