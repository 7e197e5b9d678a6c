/* Bytes, buffers, completion. Ownership has three words: borrowed (until the function returns, for ops until completion),
 * lent (one reference, given back by `release`), given (yours now). Unless a declaration says otherwise, what goes in is borrowed.
 * "Frozen" structs never change within this major. The others begin with `size`, which who makes the struct fills in: a reader
 * takes members beyond `size` as zero and a writer never writes beyond it. ion_err, ion_result and ion_op keep today's members
 * within this major; later ones follow at the end. */
#ifndef ION_ABI_TYPES_H
#define ION_ABI_TYPES_H
#include <ion/abi/status.h>
ION_EXTERN_C_BEGIN

typedef int64_t ion_offset;

typedef struct ion_bytes { const uint8_t* p; uint64_t n; } ion_bytes; /* frozen; text is UTF-8 without ending zero */
typedef struct ion_field { ion_bytes key, value; } ion_field;         /* frozen */
/* Where a function explains its failure: the caller's memory; filled only on failure. msg is UTF-8, ends in zero, may be cut. */
typedef struct ion_err { uint32_t size; ion_status code; char msg[248]; } ion_err;

/* `flags` of buffer ops. MAPPED: the bytes lie in a read-only map of a file, so handing them on copies nothing. */
#define ION_BUF_MAPPED 1u
/* How the bytes of a buffer are kept. Static memory of the module that made the buffer. */
typedef struct ion_buf_ops {
  uint32_t size, flags;
  ION_RET(ANY, void, retain, void* owner);  /* one reference more; the bytes stay until as many releases */
  ION_RET(ANY, void, release, void* owner); /* any thread, never blocks */
} ion_buf_ops;
/* Frozen. `ops` NULL is plain borrowed memory: copy to keep. Else retain to keep; a sub-slice is other p, n with the same
 * owner. Bytes never change once shared. */
typedef struct ion_buf { const uint8_t* p; uint64_t n; const ion_buf_ops* ops; void* owner; } ion_buf;

/* How an op ended. In `now` it is the caller's memory, made before the call; given to `done` it is the callee's, for the call. */
typedef struct ion_result {
  uint32_t size;
  ion_status status;
  uint64_t u0, u1;          /* numbers of the answer; each op says which, else 0 */
  uint32_t nbufs, bufs_cap; /* inline answers fill at most bufs_cap */
  ion_buf* bufs;            /* lent to the receiver, each of them; the array belongs to the owner of this struct */
  ion_err* err;             /* may be NULL */
} ion_result;

/* One call of an op: who to tell. Borrowed until the op returns, so an op that answers later copies it. */
typedef struct ion_op {
  uint32_t size, flags;
  uint64_t id;          /* not 0: may be cancelled where the table has `cancel` */
  uint64_t deadline_ns; /* host monotonic time for giving up, 0 is none */
  void (*done)(void* ctx, const ion_result* r) ION_NOEXCEPT;
  void* ctx;
  uint64_t trace_hi, trace_lo, span; /* trace context of W3C, 0 is none */
} ion_op;
/* An op returns ION_OK: finished inline, `*now` is filled, `done` never runs. ION_PENDING: `done` runs exactly once, from any
 * thread, perhaps before the op has returned. Negative: refused, nothing happened, `done` never runs, words are in now->err. */

ION_EXTERN_C_END
#endif
