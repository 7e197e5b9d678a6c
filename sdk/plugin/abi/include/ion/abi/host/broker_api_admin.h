/* Structs of the broker API that every verb shares, and those of the verbs that operators use. See broker_api.h. */
#ifndef ION_ABI_HOST_BROKER_API_ADMIN_H
#define ION_ABI_HOST_BROKER_API_ADMIN_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

/* Who asks. NULL where a request takes it: a plugin that acts for nobody but itself. */
typedef struct ion_caller { uint32_t size, flags; ion_bytes principal, client_id, address; } ion_caller;

/* Filled by the kernel when a verb fails. Texts end in zero. */
typedef struct ion_error_info {
  uint32_t size;
  ion_status code;
  uint64_t retry_after_ns; /* 0: no advice */
  uint64_t leader_node;    /* 0: unknown */
  char reason[48];         /* finer than the code: RECORD_TOO_LARGE, TOPIC_NOT_FOUND, ... */
  char leader_hint[128];   /* address to try instead */
  char detail[512];        /* what was wanted, what was there */
} ion_error_info;

typedef struct ion_partition_info {
  uint32_t size;
  int32_t partition;
  uint64_t leader, log_id;
  int32_t leader_epoch;
  uint32_t nreplicas;
  const uint64_t* replicas;
  ion_offset log_start, high_watermark; /* -1: not known here */
  uint64_t bytes;
  ion_status health; /* OK, FAILED, CORRUPT, CLOSED */
} ion_partition_info;
typedef struct ion_topic_info {
  uint32_t size, flags;
  ion_bytes name;
  uint8_t uuid[16];
  uint32_t replication, npartitions;
  const ion_partition_info* const* partitions; /* by pointer: a sized struct never stands in an array */
  const ion_field* config;                     /* key and value as text; the effective ones, defaults too */
  uint32_t nconfig, nconfig_set;               /* the first nconfig_set were set by the user */
} ion_topic_info;
typedef void (*ion_topic_fn)(void* ctx, const ion_topic_info* t) ION_NOEXCEPT;
typedef struct ion_broker_info { uint32_t size, flags; uint64_t node; ion_bytes address, rack, version; } ion_broker_info;
typedef void (*ion_broker_fn)(void* ctx, const ion_broker_info* b) ION_NOEXCEPT;

/* Answers for verbs that create, list or describe topics come by `each`, on the completing thread, before completion. */
typedef struct ion_topic_req {
  uint32_t size, flags;
  const ion_caller* who;
  ion_bytes name;         /* list: empty, or a prefix; metadata: empty is all */
  uint32_t partitions, replication;
  const ion_field* config;
  uint32_t nconfig, reserved;
  ion_topic_fn each;
  ion_broker_fn each_broker; /* metadata and cluster info */
  void* ctx;
} ion_topic_req;
#define ION_TOPIC_DRY_RUN 1u
#define ION_TOPIC_INTERNAL_TOO 2u
typedef struct ion_admin_answer { uint32_t size, flags; uint64_t revision; ion_error_info* error; } ion_admin_answer;

typedef struct ion_plugin_info {
  uint32_t size, state; /* ion_plugin_state */
  ion_bytes name, id, version, build, file, sha256, provides, needs, last_error;
  uint64_t faults;
} ion_plugin_info;
typedef enum ion_plugin_state {
  ION_PLUGIN_LOADED = 1, ION_PLUGIN_CREATED = 2, ION_PLUGIN_STARTED = 3, ION_PLUGIN_DRAINING = 4, ION_PLUGIN_DRAINED = 5, ION_PLUGIN_FAULTED = 6
} ion_plugin_state;
typedef void (*ion_plugin_fn)(void* ctx, const ion_plugin_info* p) ION_NOEXCEPT;
typedef struct ion_plugin_req { uint32_t size, flags; const ion_caller* who; ion_bytes name; ion_plugin_fn each; void* ctx; } ion_plugin_req;

typedef struct ion_cluster_answer {
  uint32_t size, flags;
  uint64_t node, controller;
  char cluster_id[64];
  char version[64];
  uint64_t topics, partitions, started_ms;
  ion_error_info* error;
  uint64_t record_bytes_max, batch_bytes_max; /* largest record, and largest batch, that this broker takes; 0: not said */
} ion_cluster_answer;
typedef struct ion_cluster_req { uint32_t size, flags; const ion_caller* who; ion_broker_fn each_broker; void* ctx; } ion_cluster_req;

ION_EXTERN_C_END
#endif
