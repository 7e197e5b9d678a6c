/* The only exported symbol of a plugin, and the ELF notes that are read before any of its code runs. */
#ifndef ION_ABI_ENTRY_H
#define ION_ABI_ENTRY_H
#include <ion/abi/plugin.h>
ION_EXTERN_C_BEGIN

#define ION_ENTRY_SYMBOL "ion_plugin_entry_v1"
#define ION_NOTE_OWNER "ion"              /* name of both notes */
#define ION_NOTE_ABI_SECTION ".note.ion.abi"       /* abi=1.0;min=0;id=...;version=...;provides=a,b;needs=c,d? */
#define ION_NOTE_SCHEMA_SECTION ".note.ion.schema" /* JSON Schema of the plugin's `config` */
#define ION_NOTE_TYPE_ABI 1u
#define ION_NOTE_TYPE_SCHEMA 2u

/* What the host tells of itself. host_version ends in zero and lives for the call. */
typedef struct ion_probe { uint32_t size; uint16_t abi_major, abi_minor; const char* host_version; } ion_probe;
/* Called once per process, on the control thread, must not start anything. NULL for a foreign major. The host refuses a min_host_minor above its own minor. Both messages name both numbers. */
typedef const ion_plugin* (*ion_entry_fn)(const ion_probe*) ION_NOEXCEPT;

ION_EXTERN_C_END
#endif
