// ion.test.probe/1: how a test talks to a test plugin. Not part of the product.
#pragma once
#include <ion/abi/types.h>

#define ION_TEST_PROBE_ID "ion.test.probe/1"
typedef struct ion_test_probe {
  uint32_t size, flags;
  ION_FN(ANY, ask, ion_bytes what, uint64_t* out);  // a number by name; NOT_FOUND
  ION_FN(ANY, tell, ion_bytes what);                // "post", "arm", "fault", "finish_drain", ...
} ion_test_probe;
