/* What an instance is given at `create`: the way to every service and contract, the log, the clocks. One per instance. */
#ifndef ION_ABI_HOST_H
#define ION_ABI_HOST_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

/* A table and the `self` for its functions. Valid until the asking instance was destroyed. Frozen. */
typedef struct ion_ref { const void* table; void* self; } ion_ref;

typedef enum ion_log_level { ION_LOG_DEBUG = 0, ION_LOG_INFO = 1, ION_LOG_WARN = 2, ION_LOG_ERROR = 3 } ion_log_level;

/* The host keeps the table at one address until the instance was destroyed; `self` is the host's. */
typedef struct ion_host {
  uint32_t size;
  uint16_t abi_major, abi_minor;
  void* self;
  /* A host service or a contract that the plugin declared in `needs`. `instance` NULL: the only one. NOT_FOUND when absent,
   * FORBIDDEN when not declared. Contracts of other plugins are there from `start` on. */
  ION_FN(CONTROL, get, const char* id, const char* instance, ion_ref* out);
  /* One line under the plugin's name. level: an ion_log_level. At most 16 fields, further ones are cut. Never payload or secrets. */
  ION_RET(ANY, void, log, void* self, int32_t level, ion_bytes text, const ion_field* fields, uint32_t n);
  ION_RET(ANY, uint64_t, mono_ns, void* self); /* nanoseconds since an unknown moment, never back: for deadlines and spans */
  ION_RET(ANY, int64_t, wall_ms, void* self);  /* milliseconds since 1970, may jump: for timestamps */
  /* The instance cannot go on: it is taken out of service and listed as faulted with these words. */
  ION_RET(ANY, void, fault, void* self, const ion_err* why);
} ion_host;

ION_EXTERN_C_END
#endif
