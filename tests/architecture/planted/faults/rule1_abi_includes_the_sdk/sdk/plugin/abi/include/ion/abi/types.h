/* Words of the ABI. */
#ifndef ION_ABI_TYPES_H
#define ION_ABI_TYPES_H
#include <ion/result.h> /* FAULT */
#endif
