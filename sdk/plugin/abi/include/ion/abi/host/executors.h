/* ion.executors/1: the only threads. Work on one shard never overlaps and is ordered; a shard is not one fixed OS thread.
 * A full queue is OVERLOADED. Waiting for one's own post or op is forbidden: it deadlocks on one simulated thread. */
#ifndef ION_ABI_HOST_EXECUTORS_H
#define ION_ABI_HOST_EXECUTORS_H
#include <ion/abi/host/files.h>
ION_EXTERN_C_BEGIN

#define ION_EXECUTORS_ID "ion.executors/1"
typedef struct ion_executors {
  uint32_t size, shards, home; /* home: the instance's own shard, below shards */
  ION_FN(ANY, post, uint32_t shard, ion_fn fn, void* ctx);
  ION_FN(ANY, post_blocking, ion_fn fn, void* ctx);
  ION_FN(ANY, run, uint32_t shard, ion_fn fn, void* ctx); /* here and now if the shard is idle, else as post */
} ion_executors;

ION_EXTERN_C_END
#endif
