// What meta_put keeps of one log: in memory as it is on the disk, replaced as a whole by temporary file, flush, rename and flush
// of the directory. (Two slots in one file would cost one flush less, but a damaged newer slot would look like a torn write and
// a vote would go back.) Puts are done one after another in the order of asking; a get sees the last finished one.
// Thread: get and put any; jobs on the blocking pool.
#pragma once
#include "core/meta_format.h"
#include "io/log_state.h"
#include "io/storage_context.h"
#include "io/write_turn.h"

#include <memory>
#include <mutex>

namespace ion::storage_mmap {

// shared_ptr: a put in progress keeps it.
class MetaStore : public std::enable_shared_from_this<MetaStore> {
 public:
  MetaStore(StorageContext& context, const LogState& state) : context_(context), path_(state.directory), owner_(state.owner), name_(state.directory_name) {}
  // Whether what is in the log's directory would be there after a power cut.
  enum class Names { kUnknown, kDurable };
  // BLOCKING, before use. A file that does not prove itself makes every get and put answer CORRUPT.
  Status load(Names names);

  Answer put(Op& op, std::span<const ion_field> items);
  Answer get(Op& op, std::string_view key);
  // `done` runs when no put is in progress; none is begun afterwards.
  void when_idle(UniqueFunction<void()> done);
  void resume() { turn_.release(); }  // closing failed after when_idle

 private:
  Status replace(std::span<const ion_field> changes);
  StorageContext& context_;
  const LogDirectory path_;
  const Owner owner_;
  const std::shared_ptr<DirectoryName> name_;
  WriteTurn turn_;
  std::mutex mutex_;  // of the two below
  MetaItems items_;
  Status damage_;
};

}  // namespace ion::storage_mmap
