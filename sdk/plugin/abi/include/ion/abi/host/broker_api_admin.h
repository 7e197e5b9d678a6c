/* Structs of the broker API that every verb shares, and those of the verbs that operators use. See broker_api.h. */
#ifndef ION_ABI_HOST_BROKER_API_ADMIN_H
#define ION_ABI_HOST_BROKER_API_ADMIN_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

/* Who asks, as the transport knows it; empty texts are unknown. NULL where a request takes it: a plugin that acts for nobody but
 * itself. Borrowed like the request. */
typedef struct ion_caller { uint32_t size, flags; ion_bytes principal, client_id, address; } ion_caller;

/* Filled by the kernel when a verb fails, else left as it was. The caller's memory until completion. Texts end in zero. */
typedef struct ion_error_info {
  uint32_t size;
  ion_status code;
  uint64_t retry_after_ns; /* 0: no advice */
  uint64_t leader_node;    /* 0: unknown */
  char reason[48];         /* finer than the code: RECORD_TOO_LARGE, TOPIC_NOT_FOUND, ... */
  char leader_hint[128];   /* address to try instead */
  char detail[512];        /* what was wanted, what was there */
} ion_error_info;

/* One partition. The structs that callbacks are given belong to the broker and live for the call; read what `size` covers. */
typedef struct ion_partition_info {
  uint32_t size;
  int32_t partition;   /* from 0 */
  uint64_t leader;     /* node id, 0: none */
  uint64_t log_id;     /* part of message ids */
  int32_t leader_epoch; /* grows with each new leader */
  uint32_t nreplicas;
  const uint64_t* replicas;
  ion_offset log_start, high_watermark; /* -1: not known here */
  uint64_t bytes;    /* stored; 0 as well when not known here */
  ion_status health; /* OK, or why it does not serve: FAILED, CORRUPT, NO_SPACE, CLOSED (not open yet), ... */
  ion_offset bad_from, bad_upto; /* [bad_from, bad_upto) was found damaged, the first such part; bad_upto <= bad_from: none was */
} ion_partition_info;
typedef struct ion_topic_info {
  uint32_t size, flags;
  ion_bytes name;
  uint8_t uuid[16];       /* another one after deletion and creation under the same name */
  uint32_t replication, npartitions;
  const ion_partition_info* const* partitions; /* by pointer: a sized struct never stands in an array */
  const ion_field* config;                     /* key and value as text; the effective ones, defaults too */
  uint32_t nconfig, nconfig_set;               /* the first nconfig_set were set by the user */
} ion_topic_info;
/* `ctx` is the request's. Called on the completing thread before the op completes, one call at a time. */
typedef void (*ion_topic_fn)(void* ctx, const ion_topic_info* t) ION_NOEXCEPT;
/* One broker; `address` is where clients reach it. */
typedef struct ion_broker_info { uint32_t size, flags; uint64_t node; ion_bytes address, rack, version; } ion_broker_info;
typedef void (*ion_broker_fn)(void* ctx, const ion_broker_info* b) ION_NOEXCEPT;

/* topic_create, topic_alter, topic_list, topic_describe, topic_delete, metadata. Topics come by `each`, brokers (metadata only) by each_broker,
 * before completion; NULL: not wanted. create: EXISTS, INVALID (name, settings), OVERLOADED (topics_max, partitions_max),
 * NO_SPACE; it completes when committed and its partitions are open, or soon after the commit if opening takes long. describe, alter, delete, metadata of one topic: NOT_FOUND.
 * alter changes settings, or adds partitions, not both at once: INVALID (settings, fewer partitions), CONFLICT (partitions were added
 * meanwhile); what is not named stays. Creation, change and deletion: UNKNOWN_OUTCOME when the broker lost leadership meanwhile. */
typedef struct ion_topic_req {
  uint32_t size, flags;
  const ion_caller* who;
  ion_bytes name;         /* list: empty, or a prefix; metadata: empty is all */
  uint32_t partitions, replication; /* create; 0: the broker's default. alter: so many partitions from now on, 0: as they are */
  const ion_field* config; /* create, alter: nconfig settings as text, see `ion topic create --help`; alter: value p NULL sets it back */
  uint32_t nconfig, reserved;
  ion_topic_fn each;
  ion_broker_fn each_broker;
  void* ctx;
} ion_topic_req;
#define ION_TOPIC_DRY_RUN 1u      /* flag of create and alter: check and answer as if, change nothing */
#define ION_TOPIC_INTERNAL_TOO 2u /* flag of list: also topics whose name begins with __ion_ */
/* topic_trim: the records of one partition below `before` are deleted for good; -1: all that can be read (asked again, what came since too). NOT_FOUND; OUT_OF_RANGE when
 * `before` is above the end. Done when it is durable; log_start: the first offset that is left, also when nothing had to go. */
typedef struct ion_trim_req {
  uint32_t size, flags;
  const ion_caller* who;
  ion_bytes topic;
  int32_t partition;
  uint32_t reserved;
  ion_offset before;
} ion_trim_req;
typedef struct ion_trim_answer { uint32_t size, flags; ion_offset log_start; ion_error_info* error; } ion_trim_answer;

/* Part of a log that was lost: the records of [from, upto), at most so many. */
typedef struct ion_lost_part { uint32_t size, flags; ion_offset from, upto; } ion_lost_part;
typedef void (*ion_lost_fn)(void* ctx, const ion_lost_part* part) ION_NOEXCEPT;
/* topic_repair: reads all of one partition's log. What cannot be read comes by `each`, ascending, before completion; the first
 * ION_REPAIR_PARTS_MAX, further ones are only counted. With ION_REPAIR_ACCEPT_LOSS the log is then made whole without it: offsets stay as
 * they are, and records are taken again. Else nothing changes. NOT_FOUND; BUSY: a repair of it is in progress; UNSUPPORTED: its storage
 * cannot replace; CONFLICT: records were deleted meanwhile. Asked again after any failure, it goes on with what is left to do. */
typedef struct ion_repair_req {
  uint32_t size, flags;
  const ion_caller* who;
  ion_bytes topic;
  int32_t partition;
  uint32_t reserved;
  ion_lost_fn each; /* NULL: not wanted */
  void* ctx;
} ion_repair_req;
#define ION_REPAIR_ACCEPT_LOSS 1u /* flag of the request */
#define ION_REPAIR_PARTS_MAX 1000u
typedef struct ion_repair_answer {
  uint32_t size, flags;
  ion_offset log_start, next;          /* [log_start, next) are the offsets of the log; after a repair, of the repaired one */
  uint64_t parts, bytes_lost;          /* what was lost; bytes of batches that could not be read */
  uint64_t records_left, bytes_left;   /* what can be read */
  ion_error_info* error;
} ion_repair_answer;
#define ION_REPAIR_DONE 1u  /* flags of the answer: something was damaged and the log is whole now */
#define ION_REPAIR_DENSE 2u /* every offset that can be read has a record: a lost part had as many records as offsets, unless it was compacted */

/* revision: of the catalogue after the change, 0 when not known. */
typedef struct ion_admin_answer { uint32_t size, flags; uint64_t revision; ion_error_info* error; } ion_admin_answer;

typedef struct ion_plugin_info ion_plugin_info; /* broker_api_plugins.h */
typedef void (*ion_plugin_fn)(void* ctx, const ion_plugin_info* p) ION_NOEXCEPT;
/* plugin_list. Empty `name`: all plugins come by `each`; else that one. NOT_FOUND (PLUGIN_NOT_FOUND): none has that name. */
typedef struct ion_plugin_req { uint32_t size, flags; const ion_caller* who; ion_bytes name; ion_plugin_fn each; void* ctx; } ion_plugin_req;

/* Something that is wrong although the broker may serve; part: "storage", "partition orders/3". flags: ION_PROBLEM_*. */
typedef struct ion_problem_info { uint32_t size, flags; ion_bytes part, words; } ion_problem_info;
#define ION_PROBLEM_STOPS_WRITES 1u /* no record is taken until it is gone */
typedef void (*ion_problem_fn)(void* ctx, const ion_problem_info* p) ION_NOEXCEPT;

/* cluster_info: of the whole cluster as this broker knows it. Texts end in zero, longer ones are cut. */
typedef struct ion_cluster_answer {
  uint32_t size, flags;
  uint64_t node, controller; /* node ids of the broker that answers and of the cluster's controller */
  char cluster_id[64];
  char version[64];          /* of the broker that answers */
  uint64_t topics, partitions, started_ms; /* started_ms: this broker, since 1970 */
  ion_error_info* error;
  uint64_t record_bytes_max, batch_bytes_max; /* largest record, and largest batch, that this broker takes; 0: not said */
  uint32_t state;            /* of the broker that answers, an ion_health */
  uint32_t reserved;
} ion_cluster_answer;
#define ION_CLUSTER_REFUSES_WRITES 1u /* flag of the answer: one of the problems stops writes; what is there can be read */
typedef struct ion_cluster_req {
  uint32_t size, flags;
  const ion_caller* who;
  ion_broker_fn each_broker;
  void* ctx;
  ion_problem_fn each_problem; /* of the broker that answers, the oldest first; before completion, NULL: not wanted */
} ion_cluster_req;

ION_EXTERN_C_END

#include <ion/abi/host/broker_api_plugins.h>
#endif
