// The port Files on a FakeDisk: what a process sees of it between its start and its end. A handle of an earlier life answers CLOSED.
// Half of a write happens when it is the one at which the machine goes down, and when a rule says that space is wanting.
#pragma once
#include "support/fake_disk.h"

namespace ion::test {

class FakeMap final : public MappedFile {
 public:
  FakeMap(FakeDisk& disk, FakeDisk::NodeRef node, std::string path, uint64_t at, uint64_t n)
      : disk_(disk), node_(std::move(node)), memory_(node_->seen), path_(std::move(path)), at_(at), n_(n), life_(disk.life_) {}
  ~FakeMap() override {
    const std::lock_guard lock(disk_.mutex_);
    if (life_ == disk_.life_) --node_->maps;
  }
  const uint8_t* base() const override { return memory_->data() + at_; }
  uint64_t size() const override { return n_; }
  // WILLNEED answers what a rule for kBringIn says; of a machine that is down the memory is still there.
  Status advise(uint64_t at, uint64_t n, ion_advice hint) override {
    ION_ASSERT(at <= n_ && n <= n_ - at);
    const std::lock_guard lock(disk_.mutex_);
    if (hint != ION_ADVISE_WILLNEED || life_ != disk_.life_ || disk_.crashed_) return {};
    return disk_.admit(DiskOp::kBringIn, path_, life_, false, {at_ + at, n});
  }

 private:
  FakeDisk& disk_;
  const FakeDisk::NodeRef node_;
  const std::shared_ptr<std::vector<uint8_t>> memory_;
  const std::string path_;
  const uint64_t at_, n_, life_;
};

class FakeFile final : public File {
 public:
  FakeFile(FakeDisk& disk, FakeDisk::NodeRef node, std::string path, uint64_t life, bool locks)
      : disk_(disk), node_(std::move(node)), path_(std::move(path)), life_(life), locks_(locks) {
    ++disk_.open_[path_];
  }
  ~FakeFile() override {
    const std::lock_guard lock(disk_.mutex_);
    if (!closed_) let_go();
  }
  using File::pwrite;

  Status close() override {
    const std::lock_guard lock(disk_.mutex_);
    ION_CHECK(admit(DiskOp::kClose, false));
    let_go();
    closed_ = true;
    return {};
  }
  Status pwrite(uint64_t at, std::span<const ion_buf> parts) override {
    const std::lock_guard lock(disk_.mutex_);
    std::vector<uint8_t> bytes(bytes_in(parts));
    copy_out(parts, 0, bytes.size(), bytes.data());
    const uint64_t end = at + bytes.size();
    ION_CHECK(usable());
    Status ok = admit(DiskOp::kPwrite, true);
    if (ok.ok()) ok = space_for(end > node_->length ? end - node_->length : 0);
    if (!ok.ok()) bytes.resize(std::min<uint64_t>(bytes.size() / 2, node_->length > at ? node_->length - at : 0));
    FakeDisk::write(*node_, at, bytes);
    return ok;
  }
  Result<uint64_t> pread(uint64_t at, std::span<uint8_t> to) override {
    const std::lock_guard lock(disk_.mutex_);
    ION_CHECK(admit(DiskOp::kPread, false, {at, to.size()}));
    const uint64_t n = at >= node_->length ? 0 : std::min<uint64_t>(to.size(), node_->length - at);
    if (n > 0) std::memcpy(to.data(), node_->seen->data() + at, n);
    return n;
  }
  Result<uint64_t> length() override {
    const std::lock_guard lock(disk_.mutex_);
    ION_CHECK(usable());
    return node_->length;
  }
  Status allocate(uint64_t at, uint64_t n) override {
    std::unique_lock lock(disk_.mutex_);
    const Status allocated = allocate_held(at, n);
    const auto after = disk_.after_allocate_;
    lock.unlock();
    if (after) after(path_, allocated);
    return allocated;
  }
  Status zero(uint64_t at, uint64_t n) override {
    const std::lock_guard lock(disk_.mutex_);
    ION_CHECK(admit(DiskOp::kZero, true));
    FakeDisk::write(*node_, at, std::vector<uint8_t>(n, 0));
    return {};
  }
  Status sync_data() override {
    std::function<void()> before;
    {
      const std::lock_guard lock(disk_.mutex_);
      before = disk_.before_flush_;
    }
    if (before) before();
    const std::lock_guard lock(disk_.mutex_);
    const Status ok = admit(DiskOp::kSyncData, true);
    if (ok.ok() && disk_.pretends(DiskOp::kSyncData, path_)) return ok;
    if (ok.ok()) return FakeDisk::sync(*node_), ok;
    if (ok.code() != ION_E_CLOSED) {
      // As Linux does: the pages count as clean from now on, and what was in them never reaches the medium.
      node_->dirty.assign(node_->dirty.size(), false);
      failed_ = true;
    }
    return ok;
  }
  Status shrink(uint64_t n) override {
    const std::lock_guard lock(disk_.mutex_);
    ION_CHECK(admit(DiskOp::kShrink, true));
    if (n > node_->length) return {ION_E_INVALID, path_ + ": is shorter already"};
    if (node_->maps > 0) return {ION_E_BUSY, path_ + ": is mapped"};
    node_->seen = std::make_shared<std::vector<uint8_t>>(node_->seen->begin(), node_->seen->begin() + static_cast<std::ptrdiff_t>(n));
    node_->length = n;
    node_->dirty.resize(FakeDisk::sectors(n));
    return {};
  }
  Status writeback(uint64_t, uint64_t) override {  // a hint: counted, and nothing else
    const std::lock_guard lock(disk_.mutex_);
    return admit(DiskOp::kWriteback, false);
  }
  Result<std::unique_ptr<MappedFile>> map(uint64_t at, uint64_t n) override {
    const std::lock_guard lock(disk_.mutex_);
    ION_CHECK(admit(DiskOp::kMap, false));
    if (n == 0 || at + n > node_->length) return Status(ION_E_INVALID, path_ + ": a map must lie inside the file");
    ++node_->maps;
    return std::unique_ptr<MappedFile>(std::make_unique<FakeMap>(disk_, node_, path_, at, n));
  }

 private:
  Status allocate_held(uint64_t at, uint64_t n) {
    ION_CHECK(admit(DiskOp::kAllocate, true));
    ION_CHECK(space_for(at + n > node_->length ? at + n - node_->length : 0));
    FakeDisk::grow(*node_, at + n);
    return {};
  }
  Status usable() const {
    if (life_ != disk_.life_ || disk_.crashed_) return {ION_E_CLOSED, path_ + ": the machine is down"};
    if (closed_) return {ION_E_CLOSED, path_ + ": is closed"};
    if (failed_) return {ION_E_FAILED, path_ + ": a sync failed before"};
    return {};
  }
  Status admit(DiskOp op, bool changes, DiskRange range = {}) {
    ION_CHECK(usable());
    return disk_.admit(op, path_, life_, changes, range);
  }
  Status space_for(uint64_t growth) const {
    if (growth == 0 || FakeDisk::bytes_below(*disk_.root_) + growth <= disk_.total_bytes_) return {};
    return {ION_E_NO_SPACE, path_ + ": wanted " + std::to_string(growth) + " bytes more, the disk is full"};
  }
  void let_go() {
    if (life_ != disk_.life_) return;
    if (locks_) node_->locked = false;
    --disk_.open_[path_];
  }
  FakeDisk& disk_;
  const FakeDisk::NodeRef node_;
  const std::string path_;
  const uint64_t life_;
  const bool locks_;
  bool closed_ = false, failed_ = false;
};

class FakeFiles final : public Files {
 public:
  explicit FakeFiles(FakeDisk& disk) : disk_(disk), life_(disk.life_) {}

  Result<std::unique_ptr<File>> open(std::string_view path, uint32_t mode) override {
    const std::lock_guard lock(disk_.mutex_);
    const std::string name(path);
    FakeDisk::NodeRef node = disk_.find(path);
    const bool makes = node == nullptr && (mode & ION_FILE_CREATE) != 0;
    ION_CHECK(disk_.admit(DiskOp::kOpen, name, life_, makes));
    if (node != nullptr && node->directory) return Status(ION_E_INVALID, name + ": is a directory");
    if (node != nullptr && (mode & ION_FILE_EXCLUSIVE) != 0) return Status(ION_E_EXISTS, name + ": is there");
    if (node == nullptr && !makes) return Status(ION_E_NOT_FOUND, name + ": is not there");
    if (makes) {
      const auto [parent, last] = disk_.parent_of(path);
      if (parent == nullptr) return Status(ION_E_NOT_FOUND, name + ": its directory is not there");
      node = std::make_shared<FakeDisk::Node>();
      FakeDisk::change(*parent, {{last, node}});
    }
    const bool locks = (mode & ION_FILE_LOCK) != 0;
    if (locks && node->locked) return Status(ION_E_BUSY, name + ": is locked by somebody else");
    node->locked |= locks;
    return std::unique_ptr<File>(std::make_unique<FakeFile>(disk_, node, name, life_, locks));
  }
  Status rename(std::string_view from, std::string_view to) override {
    const std::lock_guard lock(disk_.mutex_);
    ION_CHECK(disk_.admit(DiskOp::kRename, std::string(from), life_, true));
    const FakeDisk::NodeRef node = disk_.find(from);
    const auto [source, old_name] = disk_.parent_of(from);
    const auto [target, new_name] = disk_.parent_of(to);
    if (node == nullptr || target == nullptr) return {ION_E_NOT_FOUND, std::string(from) + ": is not there"};
    if (source == target) {
      FakeDisk::change(*source, {{old_name, nullptr}, {new_name, node}});
    } else {
      FakeDisk::change(*source, {{old_name, nullptr}});
      FakeDisk::change(*target, {{new_name, node}});
    }
    return {};
  }
  Status remove(std::string_view path) override {
    const std::lock_guard lock(disk_.mutex_);
    const FakeDisk::NodeRef node = disk_.find(path);
    ION_CHECK(disk_.admit(DiskOp::kRemove, std::string(path), life_, node != nullptr));
    if (node == nullptr) return {ION_E_NOT_FOUND, std::string(path) + ": is not there"};
    if (node->directory && !node->names.empty()) return {ION_E_INVALID, std::string(path) + ": is not empty"};
    const auto [parent, name] = disk_.parent_of(path);
    FakeDisk::change(*parent, {{name, nullptr}});
    return {};
  }
  Status make_dir(std::string_view path) override {
    const std::lock_guard lock(disk_.mutex_);
    ION_CHECK(disk_.admit(DiskOp::kMakeDir, std::string(path), life_, disk_.find(path) == nullptr));
    FakeDisk::NodeRef at = disk_.root_;
    for (size_t from = 0; from < path.size() && path != ".";) {
      const size_t end = std::min(path.find('/', from), path.size());
      const std::string name(path.substr(from, end - from));
      FakeDisk::NodeRef& child = at->names[name];
      if (child == nullptr) {
        const auto made = std::make_shared<FakeDisk::Node>();
        made->directory = true;
        FakeDisk::change(*at, {{name, made}});
      }
      at = at->names[name];
      if (!at->directory) return {ION_E_INVALID, std::string(path) + ": is a file"};
      from = end + 1;
    }
    return {};
  }
  Status sync_dir(std::string_view path) override {
    const std::lock_guard lock(disk_.mutex_);
    ION_CHECK(disk_.admit(DiskOp::kSyncDir, std::string(path), life_, true));
    const FakeDisk::NodeRef node = disk_.find(path);
    if (node == nullptr || !node->directory) return {ION_E_NOT_FOUND, std::string(path) + ": is no directory"};
    if (disk_.pretends(DiskOp::kSyncDir, path)) return {};
    node->durable_names = node->names;
    node->waiting.clear();
    return {};
  }
  Result<std::vector<DirEntry>> list(std::string_view dir) override {
    const std::lock_guard lock(disk_.mutex_);
    ION_CHECK(life_ == disk_.life_ && !disk_.crashed_ ? Status() : Status(ION_E_CLOSED, "the machine is down"));
    const FakeDisk::NodeRef node = disk_.find(dir);
    if (node == nullptr || !node->directory) return Status(ION_E_NOT_FOUND, std::string(dir) + ": is no directory");
    std::vector<DirEntry> entries;
    for (const auto& [name, child] : node->names) entries.push_back({name, child->directory ? 0 : child->length, child->directory});
    return entries;
  }
  Result<DiskSpace> space() override {
    const std::lock_guard lock(disk_.mutex_);
    const uint64_t used = FakeDisk::bytes_below(*disk_.root_);
    return DiskSpace{disk_.total_bytes_ - std::min(used, disk_.total_bytes_), disk_.total_bytes_};
  }

 private:
  FakeDisk& disk_;
  const uint64_t life_;
};

}  // namespace ion::test
