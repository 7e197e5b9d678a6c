/* Structs of the broker API about plugins. See broker_api.h. */
#ifndef ION_ABI_HOST_BROKER_API_PLUGINS_H
#define ION_ABI_HOST_BROKER_API_PLUGINS_H
#include <ion/abi/host/broker_api_admin.h>
ION_EXTERN_C_BEGIN

/* OFF: the operator turned none on. OPEN: the interceptor is not asked, and its `on_error` decides. */
typedef enum ion_breaker_state { ION_BREAKER_OFF = 0, ION_BREAKER_CLOSED = 1, ION_BREAKER_OPEN = 2 } ion_breaker_state;
/* What an interceptor did since the broker began. */
typedef struct ion_interceptor_info {
  uint32_t size, hooks;       /* hooks: bits of ion_hook, where it is asked */
  uint64_t calls, slow, failed; /* calls; of these above `budget`, and without a verdict or too late */
  uint64_t rejected, dropped; /* records; with on_reject "batch" all of a rejected batch */
  uint64_t passed_over;       /* batches it was not asked about: its breaker was open, or it keeps too many beyond their deadline */
  uint32_t breaker, reserved; /* breaker: an ion_breaker_state */
  int64_t breaker_since_ms;   /* since 1970: when it came into that state */
  int64_t breaker_until_ms;   /* OPEN: when it closes by itself; else -1 */
} ion_interceptor_info;
/* One loaded plugin, in words for operators; lists are separated by commas. faults: how often it failed. */
typedef struct ion_plugin_info {
  uint32_t size, state; /* ion_plugin_state */
  ion_bytes name, id, version, build, file, sha256, provides, needs, last_error;
  uint64_t faults;
  ion_bytes abi;            /* MAJOR.MINOR that it was built for */
  const ion_field* config;  /* its entry in `plugins` as it is in force, keys below that entry; secrets are "***" */
  uint32_t nconfig, nconfig_set; /* the first nconfig_set were set by somebody, the others are defaults */
  const ion_interceptor_info* interceptor; /* NULL: it is none */
  ion_bytes remarks;         /* what is wrong with its file although it was loaded, a line each; empty: nothing */
  uint64_t leases, leased_bytes; /* buffers that it was given by ion.buffers/1 and that somebody holds still, and their bytes */
  int64_t oldest_lease_ms;   /* age of the oldest of them; -1: there are none */
  uint32_t generation, reserved; /* 1: as loaded at the start */
} ion_plugin_info;
typedef enum ion_plugin_state {
  ION_PLUGIN_LOADED = 1, ION_PLUGIN_CREATED = 2, ION_PLUGIN_STARTED = 3, ION_PLUGIN_DRAINING = 4, ION_PLUGIN_DRAINED = 5, ION_PLUGIN_FAULTED = 6
} ion_plugin_state;

/* plugin_replace: another generation of the interceptor or router `name` takes the place of the one that serves, without a pause. `path`
 * as in the plugin's entry of the configuration: a name or a file inside plugin_host.directories; empty: what that entry says. Done when the
 * new one serves and the old one has ended. After any failure the old one serves as before. NOT_FOUND: no such plugin (PLUGIN_NOT_FOUND) or
 * file; CONFLICT: another plugin's file, or a replacement is going on; UNSUPPORTED: its contracts, hooks or needs take a restart; FAILED
 * (GENERATIONS): plugin_host.generations_max. A start goes by the configuration again. */
typedef struct ion_replace_req { uint32_t size, flags; const ion_caller* who; ion_bytes name, path; } ion_replace_req;
/* generation: of what serves now. Texts end in zero, longer ones are cut. */
typedef struct ion_replace_answer {
  uint32_t size, flags; /* ION_REPLACE_* */
  ion_error_info* error;
  uint32_t generation, reserved;
  char version[64], old_version[64], file[512];
} ion_replace_answer;
#define ION_REPLACE_OLD_STAYS 1u        /* the old one did not end in time: it is asked nothing more and stays in memory */
#define ION_REPLACE_OTHER_AT_RESTART 2u /* the configuration leads to another file: a restart loads that one */

ION_EXTERN_C_END
#endif
