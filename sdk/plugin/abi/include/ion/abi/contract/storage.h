/* ion.storage/1: named logs of record batches. Offsets are the caller's; a batch is one RecordBatch v2 and covers
 * [base, next). Slices that were read stay valid across truncation, close and remove. */
#ifndef ION_ABI_CONTRACT_STORAGE_H
#define ION_ABI_CONTRACT_STORAGE_H
#include <ion/abi/host/files.h>
ION_EXTERN_C_BEGIN

#define ION_STORAGE_ID "ion.storage/1"
typedef struct ion_log ion_log;
typedef struct ion_replacement ion_replacement;
/* Frozen. base >= the log's next; gaps are legal. The descriptor repeats what the bytes say. */
typedef struct ion_batch { ion_offset base, next; int64_t time_max_ms; int32_t epoch; uint32_t nparts; const ion_buf* parts; } ion_batch;
/* Frozen: one sealed piece. appended_ms: when its last batch was appended, by the backend's wall clock (ms since 1970); never
 * smaller than that of the piece before; -1: not known. time_max_ms: what the records say. */
typedef struct ion_range { ion_offset base, next; uint64_t bytes; int64_t time_max_ms, appended_ms; } ion_range;

typedef enum ion_storage_cap {
  ION_STORAGE_TIME_INDEX = 1, ION_STORAGE_COMPACTION = 2, ION_STORAGE_ZERO_COPY = 4, ION_STORAGE_VOLATILE = 8, ION_STORAGE_OWN_IO = 16
} ion_storage_cap;
typedef enum ion_log_flag { ION_LOG_CUT_TAIL = 1, ION_LOG_DAMAGED = 2, ION_LOG_FAILED = 4 } ion_log_flag;
typedef struct ion_log_stat {
  uint32_t size, flags;
  ion_offset first, next;        /* offsets that are there: [first, next), perhaps with gaps */
  ion_offset durable;            /* below it everything survives a power cut */
  ion_offset sealed;             /* below it nothing is written any more */
  ion_offset bad_from, bad_upto; /* a damaged part that cannot be read; -1 when whole */
  uint64_t bytes;                /* on the medium */
  /* By the wall clock (ms since 1970), -1: nothing, or not known. appended_ms: when the newest batch was appended, kept over
   * restarts; active_since_ms: when the oldest of the batches at or above `sealed` was. */
  int64_t appended_ms, active_since_ms;
} ion_log_stat;
typedef enum ion_open_flag { ION_OPEN_EXACT_MARK = 1, ION_OPEN_COMPACTION = 2, ION_OPEN_EXISTING = 4 } ion_open_flag;
typedef struct ion_open_options {
  uint32_t size, flags;
  uint64_t segment_bytes; /* roll at this size; 0: the backend's own setting */
  uint64_t segment_ns;    /* roll at this age; 0: the backend's own setting */
} ion_open_options;

typedef struct ion_storage {
  uint32_t size, caps;
  ION_OP(CONTROL, open, ion_bytes log, const ion_open_options* o, ion_log** out); /* made if it is not there */
  ION_OP(SHARD, close, ion_log* l);                       /* durable and clean at completion */
  /* Done = ordered and readable, not durable; completions in call order; a failed one leaves next as it was. u0 = next. */
  ION_OP(SHARD, append, ion_log* l, const ion_batch* batches, uint32_t n);
  /* Whole batches, from the one holding `from` (or the next), all ending at or below upto; at least one, even above
   * bytes_max. from == next: OK with none; below first: OUT_OF_RANGE; damaged: CORRUPT. u0 base, u1 next of what was read. */
  ION_OP(ANY, read, ion_log* l, ion_offset from, ion_offset upto, uint64_t bytes_max);
  /* u0 = durable; many may be outstanding, the backend joins them. OVERLOADED, NO_SPACE: nothing that was appended is lost or in
   * doubt, the log works on, and the same sync may be asked again. A failed flush is never one of these: it ends the log. */
  ION_OP(SHARD, sync, ion_log* l, ion_offset upto);
  ION_OP(SHARD, truncate_suffix, ion_log* l, ion_offset from);   /* durable at completion */
  ION_OP(SHARD, truncate_prefix, ion_log* l, ion_offset before); /* first = before; before >= next empties and restarts there */
  /* The first batch that ends above `from`, has records, and whose greatest record time is time_ms or later: u0 its base, u1 that
   * time. A `from` below the log counts as its first offset. NOT_FOUND: there is none. UNSUPPORTED without TIME_INDEX. */
  ION_OP(ANY, offset_for_time, ion_log* l, ion_offset from, int64_t time_ms);
  ION_FN(ANY, stat, ion_log* l, ion_log_stat* out);
  ION_OP(SHARD, meta_put, ion_log* l, const ion_field* items, uint32_t n); /* atomic, durable, 64 KiB a log; value p NULL deletes */
  ION_OP(SHARD, meta_get, ion_log* l, ion_bytes key);     /* bufs[0] or NOT_FOUND */
  ION_FN(SHARD, ranges, ion_log* l, ion_offset from, ion_range* out, uint32_t cap, uint32_t* n);
  ION_OP(CONTROL, list, ion_bytes prefix, ion_name_fn each, void* ctx);
  ION_OP(CONTROL, remove, ion_bytes log);                 /* closed logs only; NOT_FOUND */
  ION_FN(CONTROL, identity, uint8_t* uuid16);             /* made with the data directory */
  ION_FN(SHARD, configure, ion_log* l, const ion_open_options* o);
  ION_OP(SHARD, seal, ion_log* l);                        /* rolls the active segment if it has bytes; a damaged one of a damaged log too */
  /* Compaction: other batches take the place of those of [base, next), which is one sealed piece or several neighbours, whole, as
   * `ranges` tells them. Of a log that was opened or configured with ION_OPEN_COMPACTION, by a backend with that capability; else
   * UNSUPPORTED. INVALID: no such pieces; BUSY: it has a replacement already, one at a time. Of a damaged log too: what was damaged of
   *   the pieces is so no more after the commit, and a log without damage takes appends again.
   * append: rising offsets inside [base, next), gaps and batches without records are legal; only the first batch may begin below
   *   base and end above it. Not seen and not durable. INVALID and NO_SPACE take none of this call's batches.
   * commit: INVALID unless the last batch ends at `next` (where the last records went, a batch without records ends there), so that the
   *   batches alone show how far the piece reaches. OK: durable, and seen by every read that begins later, all at once; the pieces are
   *   one piece [base, next) whose appended_ms is the greatest of theirs. CONFLICT: some of the range was truncated meanwhile. What is
   *   refused leaves the log as it was and the handle to be aborted.
   * abort: nothing of it stays. The handle ends when commit or abort completes OK.
   * Meanwhile everything else may be asked; a truncation waits for a commit in progress. close aborts an open one: its calls answer
   * CLOSED from then on and look at `l` no more, and abort ends the handle. Slices that were read before stay valid. A crash leaves
   * the old pieces or the new one, whole; after an OK of commit, the new one. */
  ION_OP(SHARD, replace_begin, ion_log* l, ion_offset base, ion_offset next, ion_replacement** out); /* COMPACTION */
  ION_OP(SHARD, replace_append, ion_log* l, ion_replacement* r, const ion_batch* batches, uint32_t n);
  ION_OP(SHARD, replace_commit, ion_log* l, ion_replacement* r);
  ION_OP(SHARD, replace_abort, ion_log* l, ion_replacement* r);
  ION_OP0(ANY, space); /* OK: what was refused with NO_SPACE lately would be taken now; NO_SPACE: not yet. Asked at a start and while it is full */
} ion_storage;

ION_EXTERN_C_END
#endif
