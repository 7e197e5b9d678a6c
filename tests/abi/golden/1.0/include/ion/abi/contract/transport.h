/* ion.transport/1: serves the broker API and the registered RPCs (ion.rpc/1) to the network. The kernel calls it: listen once the
 * broker is ready to serve, drain and then stop when it goes down. A listener is the plugin's until `stop` completes. */
#ifndef ION_ABI_CONTRACT_TRANSPORT_H
#define ION_ABI_CONTRACT_TRANSPORT_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_TRANSPORT_ID "ion.transport/1"
typedef struct ion_listener ion_listener;
typedef struct ion_transport {
  uint32_t size, caps;
  /* Empty url: the configured one. Port 0: the system chooses. BUSY: port taken; INVALID: no such address. On OK *out is not NULL. */
  ION_FN(CONTROL, listen, ion_bytes url, ion_listener** out, ion_err* err);
  ION_FN(CONTROL, address, ion_listener* l, char* to, uint32_t n); /* "127.0.0.1:41234", ends in zero; OUT_OF_RANGE: n is too small */
  ION_OP(CONTROL, drain, ion_listener* l); /* refuse new calls, end streams politely; done when none is left */
  ION_OP(CONTROL, stop, ion_listener* l);  /* cut what is left; at completion with OK the listener is gone, a failed stop may be repeated */
} ion_transport;

ION_EXTERN_C_END
#endif
