/* ion.interceptor/1: a hook on batches in flight. The unit is the batch: it is decoded once for the whole chain and only if somebody
 * needs records, and encoded again once if somebody edited. The order of `plugins` in the configuration is the order of the chain.
 *
 * Records are counted from 0. `i` of the functions below is the place among the records that are there when `on` is called. Everybody
 * else (producers, operators, the log) is told the place in the batch as its producer sent it, which is `offset` of an ion_record. */
#ifndef ION_ABI_CONTRACT_INTERCEPTOR_H
#define ION_ABI_CONTRACT_INTERCEPTOR_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_INTERCEPTOR_ID "ion.interceptor/1"

/* What `on` answers. A negative ion_code is a failure of the plugin, not a verdict: `on_error` of its configuration decides, and what
 * was given to `reason` reaches the operator (`ion plugin list`, the log) and the client.
 * CONTINUE  the batch goes on, with the edits that were made.      REPLACE  the same; says that edits were made.
 * DROP      the batch is not stored (fetch: not given), and the producer is told so; this is no error.
 * REJECT    the producer (fetch: the reader) gets the error that `reason` holds, REJECTED if none was given. Nothing is stored.
 * ROUTE     the batch is stored where `route` said; only on produce.
 * PENDING   the answer comes by `resume`. */
typedef enum ion_verdict { ION_V_CONTINUE = 0, ION_V_REPLACE = 1, ION_V_DROP = 2, ION_V_REJECT = 3, ION_V_ROUTE = 4, ION_V_PENDING = 5 } ion_verdict;
/* PRODUCE: before a batch is stored, its records proved. FETCH: before fetched batches are given to a reader, each on its own. A plugin
 * that names ACK or CONNECT does not load: this broker never asks there. */
typedef enum ion_hook { ION_HOOK_PRODUCE = 1, ION_HOOK_FETCH = 2, ION_HOOK_ACK = 4, ION_HOOK_CONNECT = 8 } ion_hook;
/* HEADER: attributes and count only; cheap. RECORDS: `record`, `edit` and `reject_record` work. */
typedef enum ion_need { ION_NEED_HEADER = 1, ION_NEED_RECORDS = 2 } ion_need;
/* REENTRANT: `on` may run on several threads at a time. Without it the calls of one instance never overlap. */
typedef enum ion_interceptor_flag { ION_INTERCEPTOR_REENTRANT = 1 } ion_interceptor_flag;
typedef enum ion_msg_attr { ION_MSG_TOPIC = 1, ION_MSG_PARTITION = 2, ION_MSG_PRINCIPAL = 3, ION_MSG_CLIENT_ID = 4, ION_MSG_ADDRESS = 5 } ion_msg_attr;

/* A batch in flight. It lives until `on` has returned something other than PENDING; after PENDING until the one call of `resume` has
 * returned, whatever happened to the batch in between. Everything got from it (records, texts) lives as long. One call at a time. */
typedef struct ion_msg ion_msg;

/* The caller sets `size`. Texts and bytes are borrowed: from the message when read, from the plugin when edited (they are copied). */
typedef struct ion_record {
  uint32_t size, nheaders;
  ion_offset offset; /* the place in the batch as its producer sent it, from 0; ignored by `edit` */
  int64_t time_ms;   /* since 1970, -1: none; ignored by `edit` */
  ion_bytes key, value; /* p NULL: null, which is not empty; a null value is a tombstone */
  const ion_field* headers; /* a value may be null too; keys are UTF-8 */
} ion_record;

typedef struct ion_msg_api {
  uint32_t size, flags;
  /* One ion_msg_attr as text, numbers in decimal; empty when unknown. UNSUPPORTED for an unknown attribute. */
  ION_RET(ANY, ion_status, attr, ion_msg* m, uint32_t what, ion_bytes* out);
  /* Records that are there when `on` is called: what an earlier interceptor took out is not. Stays the same during the call. */
  ION_RET(ANY, uint32_t, count, ion_msg* m);
  /* Record `i` of `count`. NOT_FOUND: this plugin took it out itself. OUT_OF_RANGE; UNSUPPORTED without ION_NEED_RECORDS. */
  ION_RET(ANY, ion_status, record, ion_msg* m, uint32_t i, ion_record* out);
  /* Replaces key, value and headers of record `i`; NULL drops it. The other records keep their offsets. Errors as `record`. */
  ION_RET(ANY, ion_status, edit, ion_msg* m, uint32_t i, const ion_record* with_or_null);
  /* Where ROUTE sends the batch; partition -1: the same number as asked for, modulo the partitions there. INVALID: no topic. */
  ION_RET(ANY, ion_status, route, ion_msg* m, ion_bytes topic, int32_t partition);
  /* Why the batch is rejected, or why the plugin failed. The text is copied. */
  ION_RET(ANY, void, reason, ion_msg* m, ion_status code, ion_bytes text);
  /* After PENDING: the verdict (not PENDING again), exactly once, from any thread, also before `on` has returned. The chain goes on
   * inside this call. DEADLINE: too late, the batch has failed meanwhile (`pending_deadline` of the plugin's configuration, or the
   * broker stops). INVALID: nothing is pending. Whatever it answers: the message is gone. */
  ION_RET(ANY, ion_status, resume, ion_msg* m, int32_t verdict);
  /* Rejects record `i` alone: its producer gets this error for it, the others go on (`on_reject: record`), or the whole batch is
   * rejected (`on_reject: batch`, the default, for producers that expect all or nothing). Which record it is reaches the producer
   * as a number beside the words, so the words need none. On fetch it is as dropped. The answer of
   * `on` is then CONTINUE. Errors as `record`. */
  ION_RET(ANY, ion_status, reject_record, ion_msg* m, uint32_t i, ion_status code, ion_bytes text);
} ion_msg_api;

typedef struct ion_interceptor {
  uint32_t size, hooks, needs, flags; /* ion_hook, ion_need, ion_interceptor_flag; constant */
  /* One batch. Answers an ion_verdict or a negative ion_code. Must not block: a slow answer is PENDING. */
  ION_RET(ANY, int32_t, on, void* self, uint32_t hook, ion_msg* m, const ion_msg_api* api);
} ion_interceptor;

ION_EXTERN_C_END
#endif
