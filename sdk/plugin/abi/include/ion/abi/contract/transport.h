/* ion.transport/1: serves the broker API and the registered RPCs to the network. */
#ifndef ION_ABI_CONTRACT_TRANSPORT_H
#define ION_ABI_CONTRACT_TRANSPORT_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_TRANSPORT_ID "ion.transport/1"
typedef struct ion_listener ion_listener;
typedef struct ion_transport {
  uint32_t size, caps;
  ION_FN(CONTROL, listen, ion_bytes url, ion_listener** out, ion_err* err); /* empty url: the configured one; BUSY: port taken */
  ION_FN(CONTROL, address, ion_listener* l, char* to, uint32_t n);          /* "127.0.0.1:41234", ends in zero */
  ION_OP(CONTROL, drain, ion_listener* l); /* refuse new calls, end streams politely; done when none is left */
  ION_OP(CONTROL, stop, ion_listener* l);  /* cut; ends the listener */
} ion_transport;

ION_EXTERN_C_END
#endif
