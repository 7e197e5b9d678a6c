/* ion.random/1: the only source of chance, so that a simulation can repeat it. */
#ifndef ION_ABI_HOST_RANDOM_H
#define ION_ABI_HOST_RANDOM_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_RANDOM_ID "ion.random/1"
typedef struct ion_random {
  uint32_t size, flags;
  ION_RET(ANY, uint64_t, u64, void* self);   /* a stream per instance name from the host's seed; not for keys */
  ION_FN(ANY, secret, void* to, uint64_t n); /* n bytes that nobody can guess, for keys; IO: the system gave none */
} ion_random;

ION_EXTERN_C_END
#endif
