/* What an instance is given at `create`: the way to every service and contract, the log, the clocks. One per instance. */
#ifndef ION_ABI_HOST_H
#define ION_ABI_HOST_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

typedef struct ion_ref { const void* table; void* self; } ion_ref; /* frozen */

typedef enum ion_log_level { ION_LOG_DEBUG = 0, ION_LOG_INFO = 1, ION_LOG_WARN = 2, ION_LOG_ERROR = 3 } ion_log_level;

typedef struct ion_host {
  uint32_t size;
  uint16_t abi_major, abi_minor;
  void* self;
  /* A host service or a contract that the plugin declared in `needs`. `instance` NULL: the only one. NOT_FOUND when absent,
   * FORBIDDEN when not declared. Contracts of other plugins are there from `start` on. */
  ION_FN(CONTROL, get, const char* id, const char* instance, ion_ref* out);
  ION_RET(ANY, void, log, void* self, int32_t level, ion_bytes text, const ion_field* fields, uint32_t n);
  ION_RET(ANY, uint64_t, mono_ns, void* self);
  ION_RET(ANY, int64_t, wall_ms, void* self);
  ION_RET(ANY, void, fault, void* self, const ion_err* why); /* "do not call me any more" */
} ion_host;

ION_EXTERN_C_END
#endif
