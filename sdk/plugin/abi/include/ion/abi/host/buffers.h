/* ion.buffers/1: counted memory. Frozen at the first share: write before you hand it on. */
#ifndef ION_ABI_HOST_BUFFERS_H
#define ION_ABI_HOST_BUFFERS_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_BUFFERS_ID "ion.buffers/1"
typedef struct ion_buffers {
  uint32_t size, flags;
  ION_FN(ANY, alloc, uint64_t n, ion_buf* out, uint8_t** write_to); /* one lent reference; NO_MEMORY */
} ion_buffers;

ION_EXTERN_C_END
#endif
