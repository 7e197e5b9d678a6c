/* ion.interceptor/1: a hook on batches in flight. The unit is the batch: decoded once for the chain and only if someone
 * needs records, encoded again once if someone edited. A negative answer is the configured policy: closed or open. */
#ifndef ION_ABI_CONTRACT_INTERCEPTOR_H
#define ION_ABI_CONTRACT_INTERCEPTOR_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_INTERCEPTOR_ID "ion.interceptor/1"
typedef enum ion_verdict { ION_V_CONTINUE = 0, ION_V_REPLACE = 1, ION_V_DROP = 2, ION_V_REJECT = 3, ION_V_ROUTE = 4, ION_V_PENDING = 5 } ion_verdict;
typedef enum ion_hook { ION_HOOK_PRODUCE = 1, ION_HOOK_FETCH = 2, ION_HOOK_ACK = 4, ION_HOOK_CONNECT = 8 } ion_hook;
typedef enum ion_need { ION_NEED_HEADER = 1, ION_NEED_RECORDS = 2 } ion_need;
typedef enum ion_interceptor_flag { ION_INTERCEPTOR_REENTRANT = 1 } ion_interceptor_flag;
typedef enum ion_msg_attr { ION_MSG_TOPIC = 1, ION_MSG_PARTITION = 2, ION_MSG_PRINCIPAL = 3, ION_MSG_CLIENT_ID = 4, ION_MSG_ADDRESS = 5 } ion_msg_attr;
typedef struct ion_msg ion_msg; /* views live until the verdict */
typedef struct ion_record {
  uint32_t size, nheaders;
  ion_offset offset; /* on produce: the index in the batch */
  int64_t time_ms;
  ion_bytes key, value; /* p NULL: absent */
  const ion_field* headers;
} ion_record;
typedef struct ion_msg_api {
  uint32_t size, flags;
  ION_RET(ANY, ion_status, attr, ion_msg* m, uint32_t what, ion_bytes* out); /* numbers as decimal text */
  ION_RET(ANY, uint32_t, count, ion_msg* m);
  ION_RET(ANY, ion_status, record, ion_msg* m, uint32_t i, ion_record* out);
  ION_RET(ANY, ion_status, edit, ion_msg* m, uint32_t i, const ion_record* with_or_null); /* NULL drops the record */
  ION_RET(ANY, ion_status, route, ion_msg* m, ion_bytes topic, int32_t partition);
  ION_RET(ANY, void, reason, ion_msg* m, ion_status code, ion_bytes text);
  ION_RET(ANY, ion_status, resume, ion_msg* m, int32_t verdict); /* once, after PENDING */
} ion_msg_api;
typedef struct ion_interceptor {
  uint32_t size, hooks, needs, flags;
  ION_RET(ANY, int32_t, on, void* self, uint32_t hook, ion_msg* m, const ion_msg_api* api);
} ion_interceptor;

ION_EXTERN_C_END
#endif
