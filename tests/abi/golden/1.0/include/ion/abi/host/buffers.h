/* ion.buffers/1: memory with a reference count, for bytes that are handed on without a copy. */
#ifndef ION_ABI_HOST_BUFFERS_H
#define ION_ABI_HOST_BUFFERS_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_BUFFERS_ID "ion.buffers/1"
typedef struct ion_buffers {
  uint32_t size, flags;
  /* n bytes, not zeroed. *out is lent: release it once. *write_to is where to write them, before the buffer is first handed on:
   * bytes that are shared never change. NO_MEMORY: nothing was made. */
  ION_FN(ANY, alloc, uint64_t n, ion_buf* out, uint8_t** write_to);
} ion_buffers;

ION_EXTERN_C_END
#endif
