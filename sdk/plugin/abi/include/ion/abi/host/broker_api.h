/* ion.broker_api/1: every request of every protocol as one verb: a sized request, a sized answer that the caller owns until
 * completion, one completion. No protobuf in here. Later verbs are appended.
 *
 * On failure the status of the op is the code, and `error` of the answer (when the caller gave one) has the words. */
#ifndef ION_ABI_HOST_BROKER_API_H
#define ION_ABI_HOST_BROKER_API_H
#include <ion/abi/host/broker_api_admin.h>
ION_EXTERN_C_BEGIN

#define ION_BROKER_API_ID "ion.broker_api/1"

typedef enum ion_acks { ION_ACKS_NONE = 0, ION_ACKS_LEADER = 1, ION_ACKS_ALL = 2 } ion_acks;

/* A record of a produced batch that is not stored, because of an interceptor. */
typedef struct ion_record_outcome {
  uint32_t size;
  int32_t index;     /* in the batch as it was sent */
  ion_status code;   /* OK: dropped; else the error that it was rejected with */
  uint32_t reserved;
  ion_bytes text;    /* why it was rejected; borrowed for the call */
} ion_record_outcome;
typedef void (*ion_record_outcome_fn)(void* ctx, const ion_record_outcome* o) ION_NOEXCEPT;

/* `parts` hold exactly one RecordBatch v2. The kernel keeps what it needs by retain; plain parts (ops NULL) must stay until
 * completion. */
typedef struct ion_produce_req {
  uint32_t size, acks;
  const ion_caller* who;
  ion_bytes topic;
  int32_t partition;
  uint32_t nparts;
  const ion_buf* parts;
  ion_bytes topic_id; /* 16 bytes: the uuid of the topic that is meant; CONFLICT with TOPIC_RECREATED when another one has its name now.
                         Empty: whichever topic has the name */
  ion_record_outcome_fn each_outcome; /* may be NULL; called on the completing thread before an OK, for each record not stored */
  void* outcome_ctx;
} ion_produce_req;
#define ION_PRODUCE_DUPLICATE 1u /* answer flag: these offsets were given by an earlier attempt */
#define ION_PRODUCE_DROPPED 2u   /* answer flag: interceptors left no record; base -1: nothing was appended */
typedef struct ion_produce_answer {
  uint32_t size, flags;
  ion_offset base, next, log_start, high_watermark;
  int64_t append_time_ms; /* -1: the producer's timestamps stand */
  uint64_t log_id;        /* 34 bits, part of message ids */
  ion_error_info* error;
  int32_t routed_partition; /* where an interceptor sent the batch, when routed_topic is not empty; offsets and log_id are of there */
  uint32_t reserved;
  char routed_topic[256];   /* ends in zero */
} ion_produce_answer;

/* Waits up to wait_ns for bytes_min to be visible, then answers OK, perhaps empty. Buffers are in the result, whole batches. */
typedef struct ion_fetch_req {
  uint32_t size, isolation;
  const ion_caller* who;
  ion_bytes topic;
  int32_t partition;
  uint32_t flags;
  ion_offset offset;
  uint64_t bytes_min, bytes_max, wait_ns;
  ion_bytes topic_id; /* as in ion_produce_req */
} ion_fetch_req;
typedef struct ion_fetch_answer {
  uint32_t size, flags;
  ion_offset base, next; /* of what was read; next is where to go on */
  ion_offset log_start, high_watermark;
  uint64_t log_id;
  ion_error_info* error;
} ion_fetch_answer;

typedef enum ion_offset_what { ION_OFFSET_START = 0, ION_OFFSET_END = 1, ION_OFFSET_TIME = 2 } ion_offset_what;
typedef struct ion_offset_req {
  uint32_t size, what;
  const ion_caller* who;
  ion_bytes topic;
  int32_t partition;
  uint32_t flags;
  int64_t time_ms; /* what = TIME: the first record at or after it */
} ion_offset_req;
typedef struct ion_offset_answer { uint32_t size, flags; ion_offset offset; int64_t time_ms; ion_error_info* error; } ion_offset_answer;

/* Keyed records only: without a key the choice is the client's own state. Pure and quick, hence no op. */
typedef struct ion_partition_req { uint32_t size, flags; const ion_caller* who; ion_bytes topic, key; } ion_partition_req;
typedef struct ion_partition_answer { uint32_t size; int32_t partition; uint32_t partitions, flags; ion_error_info* error; } ion_partition_answer;

/* A new producer identity: numbers are never given twice, also not after a crash. */
typedef struct ion_producer_req { uint32_t size, flags; const ion_caller* who; } ion_producer_req;
typedef struct ion_producer_answer { uint32_t size; int32_t epoch; int64_t producer_id; ion_error_info* error; } ion_producer_answer;

typedef enum ion_health { ION_HEALTH_STARTING = 0, ION_HEALTH_SERVING = 1, ION_HEALTH_DRAINING = 2, ION_HEALTH_FAILED = 3 } ion_health;

typedef struct ion_broker_api {
  uint32_t size, caps;
  ION_OP(ANY, produce, const ion_produce_req* r, ion_produce_answer* a);
  ION_OP(ANY, fetch, const ion_fetch_req* r, ion_fetch_answer* a);
  ION_FN(ANY, cancel, uint64_t op_id); /* a parked fetch completes CANCELLED; NOT_FOUND: it is over */
  ION_OP(ANY, offset_for, const ion_offset_req* r, ion_offset_answer* a);
  ION_FN(ANY, partition_of, const ion_partition_req* r, ion_partition_answer* a);
  ION_OP(ANY, init_producer, const ion_producer_req* r, ion_producer_answer* a);
  ION_OP(ANY, metadata, const ion_topic_req* r, ion_admin_answer* a);
  ION_OP(ANY, topic_create, const ion_topic_req* r, ion_admin_answer* a);
  ION_OP(ANY, topic_list, const ion_topic_req* r, ion_admin_answer* a);
  ION_OP(ANY, topic_describe, const ion_topic_req* r, ion_admin_answer* a);
  ION_OP(ANY, topic_delete, const ion_topic_req* r, ion_admin_answer* a);
  ION_OP(ANY, plugin_list, const ion_plugin_req* r, ion_admin_answer* a);
  ION_OP(ANY, cluster_info, const ion_cluster_req* r, ion_cluster_answer* a);
  ION_FN(ANY, health, uint32_t* out);
} ion_broker_api;

ION_EXTERN_C_END
#endif
