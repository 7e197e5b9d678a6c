/* ion.timers/1: one-shot timers on host monotonic time. */
#ifndef ION_ABI_HOST_TIMERS_H
#define ION_ABI_HOST_TIMERS_H
#include <ion/abi/host/files.h>
ION_EXTERN_C_BEGIN

#define ION_TIMERS_ID "ion.timers/1"
typedef struct ion_timer ion_timer;
typedef struct ion_timers {
  uint32_t size, flags;
  /* Runs fn(ctx) once, on that shard, not before at_ns (ion_host.mono_ns). *out is valid until it fires or is disarmed. OVERLOADED:
   * too many timers; INVALID: no such shard. */
  ION_FN(ANY, arm, uint32_t shard, uint64_t at_ns, ion_fn fn, void* ctx, ion_timer** out);
  ION_FN(SHARD, disarm, ion_timer* t); /* OK: will not fire; NOT_FOUND: has fired */
} ion_timers;

ION_EXTERN_C_END
#endif
