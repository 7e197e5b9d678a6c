/* ion.rpc/1: byte handlers under full gRPC method names. Plugins add and describe; transports find and serve. A stream carries
 * messages as bytes in both directions; a unary call is a stream with one message each way. */
#ifndef ION_ABI_HOST_RPC_H
#define ION_ABI_HOST_RPC_H
#include <ion/abi/host/files.h>
ION_EXTERN_C_BEGIN

#define ION_RPC_ID "ion.rpc/1"
typedef struct ion_stream ion_stream;
/* The transport's half of a stream of byte messages. */
typedef struct ion_stream_ops {
  uint32_t size, flags;
  ION_RET(ANY, ion_status, send, ion_stream* s, const ion_buf* parts, uint32_t n); /* one message; BUSY: wait for on_writable */
  ION_RET(ANY, void, grant, ion_stream* s, uint32_t messages);                     /* receive window, starts at 1 */
  ION_RET(ANY, void, finish, ion_stream* s, ion_status status, ion_bytes text); /* once; nothing is sent afterwards, on_close follows */
  ION_RET(ANY, ion_status, attr, ion_stream* s, uint32_t what, ion_bytes name, ion_bytes* out); /* metadata, peer */
} ion_stream_ops;
typedef enum ion_stream_attr { ION_STREAM_METADATA = 1, ION_STREAM_PEER = 2, ION_STREAM_METHOD = 3 } ion_stream_attr;
/* The reader's half, one call at a time. Filled by `accept`; `self` must live until on_close has returned. */
typedef struct ion_stream_sink {
  uint32_t size, flags;
  void* self;
  ION_FN(ANY, on_message, ion_stream* s, const ion_buf* parts, uint32_t n); /* n 0 with parts NULL: the peer half-closed */
  ION_FN(ANY, on_writable, ion_stream* s);
  ION_FN(ANY, on_close, ion_stream* s, ion_status why, ion_bytes text); /* last call, exactly once */
} ion_stream_sink;

typedef enum ion_rpc_kind { ION_RPC_UNARY = 0, ION_RPC_STREAM = 1 } ion_rpc_kind;
/* Who may call: everybody, brokers of this cluster, administrators. */
typedef enum ion_rpc_access { ION_RPC_PUBLIC = 0, ION_RPC_PEER = 1, ION_RPC_ADMIN = 2 } ion_rpc_access;
typedef struct ion_rpc_handler {
  uint32_t size, kind, access, flags;
  ion_bytes method; /* "/ionstream.v1.Broker/Metadata" */
  void* self;
  /* A call begins. Fill *sink; `s` and `ops` are valid until on_close. Negative: the call is refused with this status. */
  ION_FN(ANY, accept, ion_stream* s, const ion_stream_ops* ops, ion_stream_sink* sink);
} ion_rpc_handler;

typedef struct ion_rpc {
  uint32_t size, flags;
  ION_FN(CONTROL, add, const ion_rpc_handler* h); /* copied; EXISTS if the method is taken */
  ION_FN(CONTROL, describe, ion_bytes file_descriptor_set); /* copied; feeds reflection */
  ION_FN(ANY, find, ion_bytes method, const ion_rpc_handler** out); /* NOT_FOUND; *out lives as long as the host */
  ION_FN(CONTROL, descriptors, ion_name_fn each, void* ctx); /* each set that `describe` was given, as name */
} ion_rpc;

ION_EXTERN_C_END
#endif
