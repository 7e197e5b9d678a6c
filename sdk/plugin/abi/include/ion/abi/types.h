/* Bytes, buffers, completion. Ownership has three words: borrowed (until the function returns, for ops until completion),
 * lent (one reference, given back by `release`), given (yours now). */
#ifndef ION_ABI_TYPES_H
#define ION_ABI_TYPES_H
#include <ion/abi/status.h>
ION_EXTERN_C_BEGIN

typedef int64_t ion_offset;

typedef struct ion_bytes { const uint8_t* p; uint64_t n; } ion_bytes; /* frozen; text is UTF-8 without ending zero */
typedef struct ion_field { ion_bytes key, value; } ion_field;         /* frozen */
typedef struct ion_err { uint32_t size; ion_status code; char msg[248]; } ion_err; /* msg ends in zero */

/* `flags` of buffer ops. MAPPED: the bytes lie in a read-only map of a file, so handing them on copies nothing. */
#define ION_BUF_MAPPED 1u
typedef struct ion_buf_ops {
  uint32_t size, flags;
  ION_RET(ANY, void, retain, void* owner);
  ION_RET(ANY, void, release, void* owner); /* any thread, never blocks */
} ion_buf_ops;
/* Frozen. `ops` NULL is plain borrowed memory: copy to keep. Else retain to keep; a sub-slice is other p, n with the same
 * owner. Bytes never change once shared. */
typedef struct ion_buf { const uint8_t* p; uint64_t n; const ion_buf_ops* ops; void* owner; } ion_buf;

typedef struct ion_result {
  uint32_t size;
  ion_status status;
  uint64_t u0, u1;
  uint32_t nbufs, bufs_cap; /* inline answers fill at most bufs_cap */
  ion_buf* bufs;            /* lent to the receiver, each of them; the array belongs to the owner of this struct */
  ion_err* err;             /* may be NULL */
} ion_result;

typedef struct ion_op {
  uint32_t size, flags;
  uint64_t id;          /* not 0: may be cancelled where the table has `cancel` */
  uint64_t deadline_ns; /* host monotonic time for giving up, 0 is none */
  void (*done)(void* ctx, const ion_result* r) ION_NOEXCEPT;
  void* ctx;
  uint64_t trace_hi, trace_lo, span;
} ion_op;
/* An op returns ION_OK: finished inline, `*now` is filled, `done` never runs. ION_PENDING: `done` runs exactly once, from any
 * thread, perhaps before the op has returned. Negative: refused, nothing happened, `done` never runs, words are in now->err. */

ION_EXTERN_C_END
#endif
