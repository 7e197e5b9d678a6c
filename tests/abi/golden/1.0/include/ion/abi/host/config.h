/* ion.config/1: who this node is. */
#ifndef ION_ABI_HOST_CONFIG_H
#define ION_ABI_HOST_CONFIG_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_CONFIG_ID "ion.config/1"
/* node: this broker's id, not 0. rack may be empty. Texts live as long as the host. */
typedef struct ion_node { uint32_t size; uint32_t flags; uint64_t node; ion_bytes rack, cluster, version; } ion_node;
typedef struct ion_config {
  uint32_t size, flags;
  ION_FN(ANY, node, ion_node* out); /* fills *out up to its `size`, which the caller sets; always OK */
} ion_config;

ION_EXTERN_C_END
#endif
