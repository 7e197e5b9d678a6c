/* ion.threads/1: where am I? For debug checks (contract guards), never for decisions. */
#ifndef ION_ABI_HOST_THREADS_H
#define ION_ABI_HOST_THREADS_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_THREADS_ID "ion.threads/1"
/* The thread words of version.h; FOREIGN: a thread that the host did not make. */
typedef enum ion_word { ION_WORD_FOREIGN = 0, ION_WORD_SHARD = 1, ION_WORD_CONTROL = 2, ION_WORD_BLOCKING = 3 } ion_word;
typedef struct ion_threads {
  uint32_t size, flags;
  ION_RET(ANY, uint32_t, word, void* self);  /* an ion_word */
  ION_RET(ANY, uint32_t, shard, void* self); /* UINT32_MAX off the shards */
} ion_threads;

ION_EXTERN_C_END
#endif
