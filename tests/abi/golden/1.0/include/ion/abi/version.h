/* The version of the plugin ABI and the small words that every other header uses.
 * Major: in the name of the entry symbol; another major is another ABI. Minor: members were appended to tables or structs. */
#ifndef ION_ABI_VERSION_H
#define ION_ABI_VERSION_H
#include <stddef.h>
#include <stdint.h>

#define ION_ABI_MAJOR 1
#ifndef ION_ABI_MINOR
#define ION_ABI_MINOR 0
#endif

#ifdef __cplusplus
#define ION_EXTERN_C_BEGIN extern "C" {
#define ION_EXTERN_C_END }
#define ION_NOEXCEPT noexcept
#else
#define ION_EXTERN_C_BEGIN
#define ION_EXTERN_C_END
#define ION_NOEXCEPT
#endif

/* Every function of a table is declared by one of these four, so that its thread word, `noexcept`, `self` and the completion pair
 * cannot be forgotten and a script can read them. The thread word says where the caller may call it:
 *   ANY       any thread, several at once; must not block
 *   SHARD     on one shard (ion.executors/1): the one that the object was opened for, so calls never overlap; must not block
 *   CONTROL   on the host's control thread, one call at a time; may take milliseconds, must not wait for its own posts or ops
 *   BLOCKING  on a thread that may block (ion_executors.post_blocking): never on a shard
 * `self` is the pointer that came with the table. ION_FN answers its status at once; ION_OP also takes `op` and `now` and may
 * answer later (see ion_op in types.h); ION_OP0 is one without arguments; ION_RET answers something else than a status. No
 * function may let an exception out. A status of ION_E_UNSUPPORTED is always possible: the implementation does not offer it. */
#define ION_FN(word, name, ...) ion_status (*name)(void* self, __VA_ARGS__) ION_NOEXCEPT
#define ION_OP(word, name, ...) \
  ion_status (*name)(void* self, __VA_ARGS__, const ion_op* op, ion_result* now) ION_NOEXCEPT
#define ION_OP0(word, name) ion_status (*name)(void* self, const ion_op* op, ion_result* now) ION_NOEXCEPT
#define ION_RET(word, ret, name, ...) ret (*name)(__VA_ARGS__) ION_NOEXCEPT

/* Is member `m` there and filled? `size` is what the producer of the table filled; tables are never copied. */
#define ION_HAS(p, m) ((p)->size >= offsetof(__typeof__(*(p)), m) + sizeof((p)->m) && (p)->m)
/* Is member `m` of a sized struct there? For members for which zero is a value. */
#define ION_REACHES(p, m) ((p)->size >= offsetof(__typeof__(*(p)), m) + sizeof((p)->m))

#endif
