/* ion.executors/1: the only threads. Work on one shard never overlaps and is ordered; a shard is not one fixed OS thread.
 * `fn(ctx)` runs once when the function answered OK; `ctx` is the caller's and must live until then. OVERLOADED (a full queue),
 * CLOSED (the host stops), INVALID (no such shard): `fn` never runs. Waiting for one's own post or op deadlocks. */
#ifndef ION_ABI_HOST_EXECUTORS_H
#define ION_ABI_HOST_EXECUTORS_H
#include <ion/abi/host/files.h>
ION_EXTERN_C_BEGIN

#define ION_EXECUTORS_ID "ion.executors/1"
typedef struct ion_executors {
  uint32_t size, shards, home; /* home: the instance's own shard, below shards */
  ION_FN(ANY, post, uint32_t shard, ion_fn fn, void* ctx); /* after all that was posted before; must not block */
  ION_FN(ANY, post_blocking, ion_fn fn, void* ctx);        /* on a thread that may block; no order */
  ION_FN(ANY, run, uint32_t shard, ion_fn fn, void* ctx); /* here and now if the shard is idle, else as post */
} ion_executors;

ION_EXTERN_C_END
#endif
