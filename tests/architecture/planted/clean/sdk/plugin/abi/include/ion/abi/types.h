/* Words of the ABI. */
#ifndef ION_ABI_TYPES_H
#define ION_ABI_TYPES_H
#include <stdint.h>
typedef uint32_t ion_word;
#endif
