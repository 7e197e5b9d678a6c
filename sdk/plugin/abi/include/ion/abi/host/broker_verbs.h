/* The verbs of ion.broker_api/1, one row each. The C table, both directions of the bridge, the gate before the broker, the null broker,
 * the test doubles and the list of RPCs that a transport must serve are made from these rows; so a verb cannot be forgotten in one of them.
 * A new verb is a new last row: the order of the rows is the order of the members of the table.
 *
 *   X(name, request struct, answer struct, access, repeat, gate)
 *
 * access  what a principal must be allowed to do; asked by an authorisation plugin, on the resource that the request names
 * repeat  what a caller may do whose answer was lost
 * gate    whether the verb waits for the broker to serve */
#ifndef ION_ABI_HOST_BROKER_VERBS_H
#define ION_ABI_HOST_BROKER_VERBS_H

typedef enum ion_access {
  ION_ACCESS_WRITE = 1,    /* append to a topic */
  ION_ACCESS_READ = 2,     /* read a topic's records */
  ION_ACCESS_DESCRIBE = 3, /* see a topic, its partitions and settings */
  ION_ACCESS_CREATE = 4,   /* make a topic */
  ION_ACCESS_DELETE = 5,   /* delete a topic */
  ION_ACCESS_CLUSTER = 6,  /* see the cluster, its brokers and plugins */
  ION_ACCESS_CONNECT = 7   /* be a known caller, nothing more */
} ion_access;

typedef enum ion_repeat {
  ION_REPEAT_SAFE = 1,      /* asking twice is asking once */
  ION_REPEAT_SEQUENCED = 2, /* safe when the batch carries a producer id and sequence: the repeat gets the first answer */
  ION_REPEAT_OUTCOME = 3    /* the second answer tells the outcome of the first: EXISTS after a create, NOT_FOUND after a delete */
} ion_repeat;

typedef enum ion_verb_gate {
  ION_GATE_SERVING = 1, /* refused with CLOSED while the broker starts or drains */
  ION_GATE_ALWAYS = 2   /* answered as soon as there is a broker: operators ask while it starts or drains */
} ion_verb_gate;

#define ION_BROKER_VERBS(X)                                                                                                  \
  X(produce, ion_produce_req, ion_produce_answer, ION_ACCESS_WRITE, ION_REPEAT_SEQUENCED, ION_GATE_SERVING)                  \
  X(fetch, ion_fetch_req, ion_fetch_answer, ION_ACCESS_READ, ION_REPEAT_SAFE, ION_GATE_SERVING)                              \
  X(offset_for, ion_offset_req, ion_offset_answer, ION_ACCESS_DESCRIBE, ION_REPEAT_SAFE, ION_GATE_SERVING)                   \
  X(init_producer, ion_producer_req, ion_producer_answer, ION_ACCESS_CONNECT, ION_REPEAT_SAFE, ION_GATE_SERVING)             \
  X(metadata, ion_topic_req, ion_admin_answer, ION_ACCESS_DESCRIBE, ION_REPEAT_SAFE, ION_GATE_SERVING)                       \
  X(topic_create, ion_topic_req, ion_admin_answer, ION_ACCESS_CREATE, ION_REPEAT_OUTCOME, ION_GATE_SERVING)                  \
  X(topic_list, ion_topic_req, ion_admin_answer, ION_ACCESS_DESCRIBE, ION_REPEAT_SAFE, ION_GATE_SERVING)                     \
  X(topic_describe, ion_topic_req, ion_admin_answer, ION_ACCESS_DESCRIBE, ION_REPEAT_SAFE, ION_GATE_SERVING)                 \
  X(topic_delete, ion_topic_req, ion_admin_answer, ION_ACCESS_DELETE, ION_REPEAT_OUTCOME, ION_GATE_SERVING)                  \
  X(plugin_list, ion_plugin_req, ion_admin_answer, ION_ACCESS_CLUSTER, ION_REPEAT_SAFE, ION_GATE_ALWAYS)                     \
  X(cluster_info, ion_cluster_req, ion_cluster_answer, ION_ACCESS_CLUSTER, ION_REPEAT_SAFE, ION_GATE_ALWAYS)

typedef enum ion_verb {
#define ION_VERB_ID(name, Req, Ans, access, repeat, gate) ION_VERB_##name,
  ION_BROKER_VERBS(ION_VERB_ID)
#undef ION_VERB_ID
  ION_VERB_COUNT
} ion_verb;

#endif
