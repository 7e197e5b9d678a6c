/* The verbs of ion.broker_api/1, one row each. The C table below, ion::BrokerApi, the bridge in both directions, the kernel's
 * gate, its metrics, the authorisation matrix and the test doubles are made from these rows. A new verb: its request and answer
 * structs in broker_api.h or broker_api_admin.h, and one row at the end of the list (the C table grows at its end).
 *
 * X(name, request, answer, access, resource, repeat, open)
 *   request, answer  structs that begin with `size`; the request has `who`, the answer has `error`
 *   access, resource what the caller must be allowed to do, and to what: an ion_access and an ion_resource without prefix. The
 *                    topic is the one that the request names, or whose log its id names; CLUSTER is the broker's whole cluster.
 *   repeat           SAFE: asking again after an unknown outcome changes nothing more. UNSAFE: it may act twice, or answer
 *                    EXISTS or NOT_FOUND for its own first attempt.
 *   open             SERVING: refused with CLOSED unless the broker serves. ALWAYS: also answered while it starts or drains. */
#ifndef ION_ABI_HOST_BROKER_VERBS_H
#define ION_ABI_HOST_BROKER_VERBS_H

/* Verbs that complete as an op: now or later. */
#define ION_BROKER_VERBS(X)                                                                        \
  X(produce, ion_produce_req, ion_produce_answer, WRITE, TOPIC, UNSAFE, SERVING)                   \
  X(fetch, ion_fetch_req, ion_fetch_answer, READ, TOPIC, SAFE, SERVING)                            \
  X(offset_for, ion_offset_req, ion_offset_answer, DESCRIBE, TOPIC, SAFE, SERVING)                 \
  X(init_producer, ion_producer_req, ion_producer_answer, WRITE, CLUSTER, SAFE, SERVING)           \
  X(metadata, ion_topic_req, ion_admin_answer, DESCRIBE, TOPIC, SAFE, SERVING)                     \
  X(topic_create, ion_topic_req, ion_admin_answer, CREATE, TOPIC, UNSAFE, SERVING)                 \
  X(topic_list, ion_topic_req, ion_admin_answer, DESCRIBE, TOPIC, SAFE, SERVING)                   \
  X(topic_describe, ion_topic_req, ion_admin_answer, DESCRIBE, TOPIC, SAFE, SERVING)               \
  X(topic_delete, ion_topic_req, ion_admin_answer, DELETE, TOPIC, UNSAFE, SERVING)                 \
  X(plugin_list, ion_plugin_req, ion_admin_answer, DESCRIBE, CLUSTER, SAFE, ALWAYS)                \
  X(cluster_info, ion_cluster_req, ion_cluster_answer, DESCRIBE, CLUSTER, SAFE, ALWAYS)            \
  X(get_record, ion_record_req, ion_record_answer, READ, TOPIC, SAFE, SERVING)                     \
  X(topic_alter, ion_topic_req, ion_admin_answer, ALTER, TOPIC, UNSAFE, SERVING)                   \
  X(topic_trim, ion_trim_req, ion_trim_answer, DELETE, TOPIC, UNSAFE, SERVING)                     \
  X(plugin_replace, ion_replace_req, ion_replace_answer, ALTER, CLUSTER, UNSAFE, SERVING)          \
  X(topic_repair, ion_repair_req, ion_repair_answer, DELETE, TOPIC, UNSAFE, SERVING)

/* Verbs that are computed at once from what the broker knows in memory, hence plain functions. */
#define ION_BROKER_LOOKUPS(X) \
  X(partition_of, ion_partition_req, ion_partition_answer, DESCRIBE, TOPIC, SAFE, ALWAYS)

/* What a caller must be allowed to do. READ and WRITE speak of records, the others of the thing itself. */
typedef enum ion_access {
  ION_ACCESS_READ = 1, ION_ACCESS_WRITE = 2, ION_ACCESS_DESCRIBE = 3, ION_ACCESS_CREATE = 4, ION_ACCESS_DELETE = 5, ION_ACCESS_ALTER = 6
} ion_access;
typedef enum ion_resource { ION_RESOURCE_TOPIC = 1, ION_RESOURCE_CLUSTER = 2 } ion_resource;

#endif
