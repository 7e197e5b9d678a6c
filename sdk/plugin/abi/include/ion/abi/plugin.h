/* The descriptor that a plugin's entry returns: what it is, and its life. Id, provides and needs equal the ELF notes. */
#ifndef ION_ABI_PLUGIN_H
#define ION_ABI_PLUGIN_H
#include <ion/abi/host.h>
ION_EXTERN_C_BEGIN

typedef struct ion_plugin {
  uint32_t size;
  uint16_t abi_major, abi_minor, min_host_minor, reserved;
  uint32_t flags, nprovides, nneeds;
  const char *id, *version, *build, *config_schema;
  const char* const* provides; /* "ion.storage/1" */
  const char* const* needs;    /* "ion.files/1"; optional ones end in '?' */
  /* Takes memory and host services; no thread, timer, file, contract. Config is merged, checked, defaults filled in. */
  ION_RET(CONTROL, ion_status, create, const ion_host* host, ion_bytes config_json, void** self, ion_err* err);
  /* Per provided id, stable until destroy; any other text gives NULL. */
  ION_RET(CONTROL, const void*, table, void* self, const char* contract_id);
  ION_FN(CONTROL, start, ion_err* err);
  ION_FN(CONTROL, reconfigure, ion_bytes config_json, ion_err* err); /* may be NULL */
  /* Refuse new, finish old; at completion no done, timer, post or lease of this instance is outstanding. */
  ION_OP0(CONTROL, drain);
  ION_RET(CONTROL, void, destroy, void* self); /* after drain or a failed step; the code stays mapped */
} ion_plugin;

ION_EXTERN_C_END
#endif
