/* ion.files/1: the only way to a disk. Paths are relative to the instance's directory, ".." is refused.
 * EINTR and short writes are hidden. A full disk is NO_SPACE from allocate or pwrite, never SIGBUS. After one failed
 * sync_data or close the file is FAILED for good: its pages may be gone. A rename or a new file is durable after sync_dir. */
#ifndef ION_ABI_HOST_FILES_H
#define ION_ABI_HOST_FILES_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_FILES_ID "ion.files/1"
typedef struct ion_file ion_file;
typedef struct ion_map ion_map;
typedef void (*ion_fn)(void* ctx) ION_NOEXCEPT; /* work that is handed over, see ion.executors/1 */
typedef void (*ion_name_fn)(void* ctx, ion_bytes name, uint64_t bytes) ION_NOEXCEPT;

typedef enum ion_file_mode {
  ION_FILE_READ = 1,
  ION_FILE_WRITE = 2,
  ION_FILE_CREATE = 4,    /* make it if it is not there */
  ION_FILE_EXCLUSIVE = 8, /* with CREATE: EXISTS if it is there */
  ION_FILE_LOCK = 16      /* advisory lock for the life of the file; BUSY if another process holds it */
} ion_file_mode;
typedef enum ion_advice { ION_ADVISE_NORMAL = 0, ION_ADVISE_SEQUENTIAL = 1, ION_ADVISE_WILLNEED = 2, ION_ADVISE_DONTNEED = 3 } ion_advice;

typedef struct ion_files {
  uint32_t size, flags;
  /* mode: ion_file_mode flags. NOT_FOUND, EXISTS, BUSY (locked), NO_SPACE, OVERLOADED (no descriptors left), IO. */
  ION_FN(BLOCKING, open, ion_bytes path, uint32_t mode, ion_file** out, ion_err* err);
  ION_FN(BLOCKING, close, ion_file* f, ion_err* err); /* ends the handle, also when it fails */
  ION_FN(ANY, pwrite, ion_file* f, uint64_t at, const ion_buf* parts, uint32_t n); /* all bytes or an error */
  ION_FN(BLOCKING, pread, ion_file* f, uint64_t at, void* to, uint64_t n, uint64_t* got); /* got < n only at the end */
  ION_FN(BLOCKING, length, ion_file* f, uint64_t* out); /* bytes */
  ION_FN(BLOCKING, allocate, ion_file* f, uint64_t at, uint64_t n); /* space on disk for [at, at + n), which reads as zeros */
  ION_FN(BLOCKING, zero, ion_file* f, uint64_t at, uint64_t n); /* writes zeros: extents become written */
  ION_FN(BLOCKING, sync_data, ion_file* f); /* what was written before is on the disk when it answers OK */
  ION_FN(BLOCKING, shrink, ion_file* f, uint64_t n); /* to n bytes */
  ION_FN(BLOCKING, sync_dir, ion_bytes path); /* names in this directory are on the disk */
  /* Read-only, shared; shows later pwrites. shrink or zero of a mapped, leased range is refused. */
  ION_FN(BLOCKING, map, ion_file* f, uint64_t at, uint64_t n, ion_map** out, const uint8_t** base);
  ION_RET(ANY, void, unmap, void* self, ion_map* m); /* nobody may read *base afterwards */
  ION_FN(ANY, advise, ion_map* m, uint64_t at, uint64_t n, uint32_t hint);
  ION_FN(BLOCKING, rename, ion_bytes from, ion_bytes to); /* replaces what is there; durable after sync_dir */
  ION_FN(BLOCKING, remove, ion_bytes path); /* a file, or an empty directory; NOT_FOUND */
  ION_FN(BLOCKING, make_dir, ion_bytes path); /* parents too; OK if it is there */
  ION_FN(BLOCKING, list, ion_bytes dir, ion_name_fn each, void* ctx); /* directories end in '/', bytes 0 */
  ION_FN(BLOCKING, space, uint64_t* free_bytes, uint64_t* total_bytes);
  ION_FN(ANY, writeback, ion_file* f, uint64_t at, uint64_t n); /* hint: begin to write these bytes out */
  ION_OP0(ANY, sync_all); /* every file of this instance's device; may answer UNSUPPORTED */
  ION_FN(ANY, resident, ion_map* m, uint64_t at, uint64_t n); /* OK: sampled pages are in memory; BUSY: some are not */
} ion_files;

ION_EXTERN_C_END
#endif
