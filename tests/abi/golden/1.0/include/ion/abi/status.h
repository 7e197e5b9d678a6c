/* The one list of errors: equal in C, C++, proto, REST and every client. Append only; a code is never reused.
 * An unknown negative number reads as INTERNAL. */
#ifndef ION_ABI_STATUS_H
#define ION_ABI_STATUS_H
#include <ion/abi/version.h>

typedef int32_t ion_status;

/* X(name, value): OK and PENDING are no errors. */
#define ION_STATUS_LIST(X)    \
  X(OK, 0)                    \
  X(PENDING, 1)               \
  X(INVALID, -1)              \
  X(UNSUPPORTED, -2)          \
  X(NOT_FOUND, -3)            \
  X(EXISTS, -4)               \
  X(OUT_OF_RANGE, -5)         \
  X(IO, -6)                   \
  X(NO_SPACE, -7)             \
  X(CORRUPT, -8)              \
  X(NO_MEMORY, -9)            \
  X(DEADLINE, -10)            \
  X(CANCELLED, -11)           \
  X(BUSY, -12)                \
  X(OVERLOADED, -13)          \
  X(CLOSED, -14)              \
  X(FAILED, -15)              \
  X(NOT_LEADER, -16)          \
  X(FENCED, -17)              \
  X(UNKNOWN_OUTCOME, -18)     \
  X(CONFLICT, -19)            \
  X(UNAUTHENTICATED, -20)     \
  X(FORBIDDEN, -21)           \
  X(REJECTED, -22)            \
  X(VERSION, -23)             \
  X(EXCEPTION, -24)           \
  X(INTERNAL, -25)

typedef enum ion_code {
  ION_OK = 0,               /* done */
  ION_PENDING = 1,          /* `done` will run exactly once */
  ION_E_INVALID = -1,       /* the request itself is wrong */
  ION_E_UNSUPPORTED = -2,   /* understood, not offered here */
  ION_E_NOT_FOUND = -3,
  ION_E_EXISTS = -4,
  ION_E_OUT_OF_RANGE = -5,  /* an offset outside the log */
  ION_E_IO = -6,
  ION_E_NO_SPACE = -7,
  ION_E_CORRUPT = -8,       /* stored or sent bytes that do not prove themselves */
  ION_E_NO_MEMORY = -9,
  ION_E_DEADLINE = -10,     /* given up; for a produce the outcome is unknown */
  ION_E_CANCELLED = -11,
  ION_E_BUSY = -12,         /* wait for on_writable */
  ION_E_OVERLOADED = -13,   /* a bound is full: retry later */
  ION_E_CLOSED = -14,       /* going away or not yet there */
  ION_E_FAILED = -15,       /* this handle is dead for good */
  ION_E_NOT_LEADER = -16,
  ION_E_FENCED = -17,       /* an older epoch or a broken sequence */
  ION_E_UNKNOWN_OUTCOME = -18, /* may or may not have happened */
  ION_E_CONFLICT = -19,
  ION_E_UNAUTHENTICATED = -20,
  ION_E_FORBIDDEN = -21,
  ION_E_REJECTED = -22,     /* an interceptor said no */
  ION_E_VERSION = -23,
  ION_E_EXCEPTION = -24,    /* a foreign exception ended at a bridge */
  ION_E_INTERNAL = -25
} ion_code;

#endif
