/* ion.broker_api/1: every request of every protocol as one verb: a sized request, a sized answer, one completion. The kernel
 * offers it; a plugin that declares it in `needs` gets it from ion_host.get at `create`. No protobuf in here.
 *
 * Each struct begins with `size`: the caller fills in sizeof of what it was compiled with. A struct of an older size is read and
 * written only up to that size; what it lacks counts as zero. Text is UTF-8 without an ending zero unless it says otherwise.
 * On failure the status of the op is the code, and `error` of the answer (when the caller gave one) says why. Errors of every
 * verb: CLOSED (starting or going down; retry after retry_after_ns), FORBIDDEN, EXCEPTION and INTERNAL (a defect), UNSUPPORTED
 * (this broker is older than the verb). The others stand at each request. */
#ifndef ION_ABI_HOST_BROKER_API_H
#define ION_ABI_HOST_BROKER_API_H
#include <ion/abi/host/broker_api_admin.h>
#include <ion/abi/host/broker_verbs.h>
ION_EXTERN_C_BEGIN

#define ION_BROKER_API_ID "ion.broker_api/1"

typedef enum ion_acks { ION_ACKS_NONE = 0, ION_ACKS_LEADER = 1, ION_ACKS_ALL = 2 } ion_acks;

/* A record of a produced batch that is not stored, because of an interceptor. */
typedef struct ion_record_outcome {
  uint32_t size;
  int32_t index;     /* its place in the batch as it was sent, from 0 */
  ion_status code;   /* OK: dropped; else the error that it was rejected with */
  uint32_t reserved;
  ion_bytes text;    /* why it was rejected; borrowed for the call */
} ion_record_outcome;
typedef void (*ion_record_outcome_fn)(void* ctx, const ion_record_outcome* o) ION_NOEXCEPT;

/* produce: appends one batch to one partition. Completes when the batch is as durable as `acks` and the topic's durability ask.
 * NOT_FOUND (TOPIC_NOT_FOUND, PARTITION_NOT_FOUND), INVALID (the batch does not prove itself or is too large), REJECTED (an
 * interceptor), FENCED (an older epoch or a gap in the producer's sequence), NOT_LEADER, OVERLOADED (nothing was kept, retry
 * later), NO_SPACE, IO, DEADLINE and UNKNOWN_OUTCOME (the batch may have been appended). */
typedef struct ion_produce_req {
  uint32_t size, acks;   /* acks: an ion_acks */
  const ion_caller* who; /* NULL: the asking plugin itself */
  ion_bytes topic;
  int32_t partition;     /* from 0 */
  uint32_t nparts;
  const ion_buf* parts;  /* together exactly one RecordBatch v2; what is needed longer is retained, plain parts (ops NULL) stay */
  ion_bytes topic_id; /* 16 bytes: the uuid of the topic that is meant; CONFLICT with TOPIC_RECREATED when another one has its
                         name now. Empty: whichever topic has the name */
  /* May be NULL. Called on the completing thread before the completion: before an OK for each record not stored, before REJECTED for
   * each record because of which its batch is refused (none where an interceptor rejected the batch as such). */
  ion_record_outcome_fn each_outcome;
  void* outcome_ctx;
} ion_produce_req;
#define ION_PRODUCE_DUPLICATE 1u /* answer flag: these offsets were given by an earlier attempt */
#define ION_PRODUCE_DROPPED 2u   /* answer flag: interceptors left no record; base -1: nothing was appended */
typedef struct ion_produce_answer {
  uint32_t size, flags;               /* flags: ION_PRODUCE_* */
  ion_offset base, next;              /* the batch's records have the offsets [base, next) */
  ion_offset log_start, high_watermark; /* of the partition: first offset still there, first offset not yet visible */
  int64_t append_time_ms;             /* since 1970; -1: the producer's timestamps stand */
  uint64_t log_id;                    /* 34 bits, part of message ids */
  ion_error_info* error;              /* in: where to explain a failure, or NULL */
  int32_t routed_partition; /* where an interceptor sent the batch, when routed_topic is not empty; offsets and log_id are of there */
  uint32_t reserved;
  char routed_topic[256];   /* ends in zero */
} ion_produce_answer;

/* fetch: whole batches of one partition from `offset` on. Waits up to wait_ns until bytes_min are visible, then answers OK,
 * perhaps with none. The batches are buffers of the op's result, lent to the receiver; the first may begin below `offset`.
 * NOT_FOUND, OUT_OF_RANGE (offset outside [log_start, high_watermark]), CORRUPT, IO, CANCELLED (by `cancel`). */
typedef struct ion_fetch_req {
  uint32_t size, isolation; /* isolation: 0 */
  const ion_caller* who;
  ion_bytes topic;
  int32_t partition;
  uint32_t flags;           /* 0 */
  ion_offset offset;
  uint64_t bytes_min, bytes_max; /* bytes_max is a wish: at least one batch comes if one is there; 0: the broker's default */
  uint64_t wait_ns;              /* 0: answer at once; longer than the broker's limit is cut to it */
  ion_bytes topic_id; /* as in ion_produce_req */
} ion_fetch_req;
typedef struct ion_fetch_answer {
  uint32_t size, flags;
  ion_offset base, next; /* of what was read, equal to `offset` when none; `next` is where to go on */
  ion_offset log_start, high_watermark;
  uint64_t log_id;
  ion_error_info* error;
} ion_fetch_answer;

/* get_record: one record by its id. It comes as a buffer of the op's result, lent to the receiver: one RecordBatch v2 that holds
 * it alone. INVALID (no message id), NOT_FOUND (LOG_NOT_FOUND: no partition here has its log; NOT_YET: the log ends before it;
 * RECORD_NOT_FOUND: its place is empty or another record's), OUT_OF_RANGE (deleted; the words name the first offset that is
 * there), REJECTED (an interceptor), and what fetch answers. */
typedef struct ion_record_req {
  uint32_t size, flags;
  const ion_caller* who;
  uint8_t id[16]; /* a message id, first byte first */
} ion_record_req;
typedef struct ion_record_answer {
  uint32_t size;
  int32_t partition;
  ion_offset offset;
  uint64_t log_id;
  ion_error_info* error;
  char topic[256]; /* ends in zero */
} ion_record_answer;

/* offset_for: one offset of a partition. NOT_FOUND (topic, partition), UNSUPPORTED (TIME on storage without an index of times). */
typedef enum ion_offset_what { ION_OFFSET_START = 0, ION_OFFSET_END = 1, ION_OFFSET_TIME = 2 } ion_offset_what;
typedef struct ion_offset_req {
  uint32_t size, what; /* what: an ion_offset_what; START is the first record, END the offset of the next one to come */
  const ion_caller* who;
  ion_bytes topic;
  int32_t partition;
  uint32_t flags;
  int64_t time_ms;     /* what = TIME: the first record at or after it, in milliseconds since 1970; none: END, with time_ms -1 */
} ion_offset_req;
/* time_ms: the timestamp of the record at `offset`, -1 when it was not looked up. */
typedef struct ion_offset_answer { uint32_t size, flags; ion_offset offset; int64_t time_ms; ion_error_info* error; } ion_offset_answer;

/* partition_of: the partition of a key, by the router plugin. Keyed records only: without a key the choice is the client's.
 * NOT_FOUND (no such topic), UNSUPPORTED (no router plugin). partitions: how many the topic has. */
typedef struct ion_partition_req { uint32_t size, flags; const ion_caller* who; ion_bytes topic, key; } ion_partition_req;
typedef struct ion_partition_answer { uint32_t size; int32_t partition; uint32_t partitions, flags; ion_error_info* error; } ion_partition_answer;

/* init_producer: a new producer identity for sequences. Numbers are never given twice, also not after a crash. */
typedef struct ion_producer_req { uint32_t size, flags; const ion_caller* who; } ion_producer_req;
typedef struct ion_producer_answer { uint32_t size; int32_t epoch; int64_t producer_id; ion_error_info* error; } ion_producer_answer;

typedef enum ion_health { ION_HEALTH_STARTING = 0, ION_HEALTH_SERVING = 1, ION_HEALTH_DRAINING = 2, ION_HEALTH_FAILED = 3 } ion_health;

#define ION_BROKER_VERB(name, request, answer, ...) ION_OP(ANY, name, const request* r, answer* a);
#define ION_BROKER_LOOKUP(name, request, answer, ...) ION_FN(ANY, name, const request* r, answer* a);
/* Any thread, no verb blocks. `r` and what it points to are borrowed until completion; `a`, `a->error` and what they point to
 * are the caller's and must stay until completion. Of `r` only its first `size` bytes are read, missing members are zero; of
 * `a` only its first `size` bytes are written. Verbs in the order of broker_verbs.h, each as ION_OP: name(self, r, a, op, now). */
typedef struct ion_broker_api {
  uint32_t size, caps;                 /* caps: 0 */
  ION_FN(ANY, cancel, uint64_t op_id); /* a waiting fetch completes with CANCELLED; NOT_FOUND: no such op waits (any more) */
  ION_FN(ANY, health, uint32_t* out);  /* an ion_health; always OK */
  ION_BROKER_LOOKUPS(ION_BROKER_LOOKUP)
  ION_BROKER_VERBS(ION_BROKER_VERB)
} ion_broker_api;
#undef ION_BROKER_VERB
#undef ION_BROKER_LOOKUP

ION_EXTERN_C_END
#endif
