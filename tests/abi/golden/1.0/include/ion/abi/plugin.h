/* The descriptor that a plugin's entry returns: what it is, and its life. Id, provides and needs equal the ELF notes.
 * Order of calls per instance, all on the control thread: create, table (per provided id), start, reconfigure (any number), drain,
 * destroy. A step that fails is followed by destroy; what it said in `err` is what the operator reads. */
#ifndef ION_ABI_PLUGIN_H
#define ION_ABI_PLUGIN_H
#include <ion/abi/host.h>
ION_EXTERN_C_BEGIN

/* Static memory of the plugin. */
typedef struct ion_plugin {
  uint32_t size;
  uint16_t abi_major, abi_minor; /* that it was compiled with */
  uint16_t min_host_minor;       /* refuses to load below */
  uint16_t reserved;
  uint32_t flags, nprovides, nneeds;
  const char *id, *version, *build; /* texts that end in zero: "com.example.thing", "1.2.0", compiler or commit */
  const char* config_schema;        /* JSON Schema of its `config`, NULL: it takes none */
  const char* const* provides; /* "ion.storage/1" */
  const char* const* needs;    /* "ion.files/1"; optional ones end in '?' */
  /* Takes memory and host services; no thread, timer, file, contract. Config is merged, checked, defaults filled in. */
  ION_RET(CONTROL, ion_status, create, const ion_host* host, ion_bytes config_json, void** self, ion_err* err);
  /* Per provided id, stable until destroy; any other text gives NULL. */
  ION_RET(CONTROL, const void*, table, void* self, const char* contract_id);
  ION_FN(CONTROL, start, ion_err* err); /* may now use contracts of other plugins, timers, files; serves from here on */
  ION_FN(CONTROL, reconfigure, ion_bytes config_json, ion_err* err); /* may be NULL: changes need a restart */
  /* Refuse new, finish old; at completion no done, timer, post or lease of this instance is outstanding. */
  ION_OP0(CONTROL, drain);
  ION_RET(CONTROL, void, destroy, void* self); /* after drain or a failed step; the code stays mapped */
} ion_plugin;

ION_EXTERN_C_END
#endif
