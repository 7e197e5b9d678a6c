/* ion.random/1: u64 is a seeded stream per instance name (replayed in simulation); secret is for keys only. */
#ifndef ION_ABI_HOST_RANDOM_H
#define ION_ABI_HOST_RANDOM_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_RANDOM_ID "ion.random/1"
typedef struct ion_random {
  uint32_t size, flags;
  ION_RET(ANY, uint64_t, u64, void* self);
  ION_FN(ANY, secret, void* to, uint64_t n);
} ion_random;

ION_EXTERN_C_END
#endif
