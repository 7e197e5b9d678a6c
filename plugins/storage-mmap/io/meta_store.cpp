#include "io/meta_store.h"

#include <utility>

namespace ion::storage_mmap {

Status MetaStore::load(Names names) {
  const Result<std::vector<uint8_t>> bytes = read_file(context_.ports.files, path_.meta(), kMetaFileMax);
  if (!bytes && bytes.error().code() == ION_E_NOT_FOUND) return {};
  if (!bytes && bytes.error().code() != ION_E_CORRUPT) return bytes.error();
  // A process that was killed may have renamed it and not lived to make that durable: nobody may act on what could still be undone.
  if (names == Names::kUnknown) {
    ION_CHECK(name_->settle(context_.ports.files));
    ION_CHECK(context_.ports.files.sync_dir(path_.path()));
  }
  Result<MetaItems> items = bytes ? decode_meta(owner_, *bytes) : Result<MetaItems>(bytes.error());
  const std::lock_guard lock(mutex_);
  if (items) items_ = *std::move(items);
  else damage_ = Status(ION_E_CORRUPT, path_.meta() + ": " + items.error().message());
  return {};
}

Answer MetaStore::put(Op& op, std::span<const ion_field> items) {
  // The items are borrowed until completion, so that the job may look at them later.
  turn_.claim_or_wait({op.later(), [self = shared_from_this(), items](Later later) {
                         return self->context_.jobs.answer(std::move(later), [self, items](Later l) {
                           const Status put = self->replace(items);
                           if (put.ok()) l.ok();
                           else l.fail(put);
                           self->turn_.release();
                         }) ? Turn::kKept : Turn::kDone;
                       }});
  return op.pending();
}

Status MetaStore::replace(std::span<const ion_field> changes) {
  MetaItems before;
  {
    const std::lock_guard lock(mutex_);
    ION_CHECK(damage_);
    before = items_;
  }
  ION_TRY(MetaItems after, apply_meta(before, changes));
  Files& files = context_.ports.files;
  ION_CHECK(write_file(files, path_.meta_new(), encode_meta(owner_, after)));
  ION_CHECK(files.rename(path_.meta_new(), path_.meta()));
  Status durable = name_->settle(files);
  if (durable.ok()) durable = files.sync_dir(path_.path());
  if (!durable.ok()) {
    // Nobody can say any more which of the two a power cut would leave.
    const std::lock_guard lock(mutex_);
    damage_ = Status(ION_E_FAILED, path_.meta() + ": " + durable.message());
    return damage_;
  }
  const std::lock_guard lock(mutex_);
  items_ = std::move(after);
  return {};
}

Answer MetaStore::get(Op& op, std::string_view key) {
  Buf value;
  {
    const std::lock_guard lock(mutex_);
    if (!damage_.ok()) return op.refuse(damage_);
    const auto at = items_.find(key);
    if (at == items_.end()) return op.refuse(Status(ION_E_NOT_FOUND, "no meta item of this name"));
    value = Buf::copy(at->second);
  }
  return op.ok(0, 0, std::span<Buf>(&value, 1));
}

void MetaStore::when_idle(UniqueFunction<void()> done) {
  turn_.claim_or_wait({Later(), [d = std::move(done)](Later) mutable {
                         d();
                         return Turn::kKept;  // for good
                       }});
}

}  // namespace ion::storage_mmap
