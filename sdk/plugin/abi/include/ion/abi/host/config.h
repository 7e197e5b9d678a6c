/* ion.config/1: who this node is. */
#ifndef ION_ABI_HOST_CONFIG_H
#define ION_ABI_HOST_CONFIG_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_CONFIG_ID "ion.config/1"
typedef struct ion_node { uint32_t size; uint32_t flags; uint64_t node; ion_bytes rack, cluster, version; } ion_node;
typedef struct ion_config {
  uint32_t size, flags;
  ION_FN(ANY, node, ion_node* out); /* texts live as long as the host */
} ion_config;

ION_EXTERN_C_END
#endif
