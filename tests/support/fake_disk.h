// A disk in memory that remembers what would survive a power cut. FakeFiles (fake_files.h) is the port Files on it.
//
// Every file has two images: what programs see (the page cache) and what is on the medium; sync_data copies the dirty sectors of
// one to the other. Names work the same way, per directory: changes wait in order until sync_dir. Then:
//   kill()        the process dies, the page cache survives: open handles are dead, everything else stays
//   lose_power()  each dirty sector becomes old or new by itself (with `garbage` also neither), a file's length old or new, and
//                 of each directory's waiting changes a drawn number of the first ones happened
// A crash can be put before any changing operation (crash_at_change): the operation half happens and everything after it answers
// CLOSED, until one of the two above. Faults are asked for by rules: this operation, on such a path, so often, answers that.
//
// Limits: sectors of 512 bytes are written whole or not at all, as real ones are; batches that share a sector with synced ones
// rely on that, so `garbage` is only for tests of "never silently wrong", not of "what was synced is there".
// Any thread. One lock: this is for finding bugs, not for speed.
#pragma once
#include "support/seeded_random.h"

#include <ion/ports.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace ion::test {

enum class DiskOp { kOpen, kPwrite, kPread, kAllocate, kZero, kSyncData, kShrink, kRename, kRemove, kMakeDir, kSyncDir, kMap, kClose, kWriteback, kBringIn };

struct FaultRule {
  DiskOp op = DiskOp::kPwrite;
  std::string path_part;           // of the path; empty: any
  Code code = ION_E_IO;
  uint64_t after = 0, times = 1;   // skips so many matches, then fires so often
  uint64_t byte = UINT64_MAX;      // kPread and kBringIn: only where this byte of the file is read
};

struct DiskRange {
  uint64_t at = 0, n = 0;
};

struct PowerCut {
  bool garbage = false;
};

class FakeDisk {
 public:
  static constexpr uint64_t kSector = 512;

  struct Node;
  using NodeRef = std::shared_ptr<Node>;  // maps, handles and directories share files
  struct Node {
    bool directory = false;
    // files
    std::shared_ptr<std::vector<uint8_t>> seen = std::make_shared<std::vector<uint8_t>>();  // never moves while it is mapped
    uint64_t length = 0;
    std::vector<uint8_t> durable;     // its size is the durable length
    std::vector<bool> dirty;          // per sector of `seen`
    int maps = 0;
    uint64_t mapped_before = 0;       // of a file that grew under its maps: nothing is written below, they would not show it
    bool locked = false;
    // directories
    struct Change {
      std::vector<std::pair<std::string, NodeRef>> names;  // null: gone. All of them at once
    };
    std::map<std::string, NodeRef> names, durable_names;
    std::vector<Change> waiting;
  };

  FakeDisk() : root_(std::make_shared<Node>()) { root_->directory = true; }

  // ---- the test's hand
  void kill() {
    const std::lock_guard lock(mutex_);
    next_life();
    unlock_all(*root_);
  }
  void lose_power(SeededRandom& random, PowerCut cut = {}) {
    const std::lock_guard lock(mutex_);
    next_life();
    root_ = after_power_cut(*root_, random, cut);
  }
  // All that can be seen, as if it had been synced: a disk of its own.
  std::unique_ptr<FakeDisk> clone() const {
    const std::lock_guard lock(mutex_);
    auto copy = std::make_unique<FakeDisk>();
    copy->root_ = copy_of(*root_);
    copy->total_bytes_ = total_bytes_;
    return copy;
  }
  // The n-th changing operation from now on (0: the next) is the last one: of a write half happens, of others nothing.
  void crash_at_change(uint64_t n) {
    const std::lock_guard lock(mutex_);
    changes_ = 0, crash_at_ = n, crashed_ = false;
  }
  void go_down() {
    const std::lock_guard lock(mutex_);
    crashed_ = true;
  }
  uint64_t changes() const {
    const std::lock_guard lock(mutex_);
    return changes_;
  }
  bool crashed() const {
    const std::lock_guard lock(mutex_);
    return crashed_;
  }
  void add_fault(FaultRule rule) {
    const std::lock_guard lock(mutex_);
    faults_.push_back(std::move(rule));
  }
  // A planted fault: this operation (kSyncData or kSyncDir) on such a path answers OK and does nothing.
  void pretend(DiskOp op, std::string path_part) {
    const std::lock_guard lock(mutex_);
    pretended_.emplace_back(op, std::move(path_part));
  }
  // Called before each flush of a file, without the disk's lock: time may pass here.
  void before_flush(std::function<void()> f) {
    const std::lock_guard lock(mutex_);
    before_flush_ = std::move(f);
  }
  // Called after each allocate with the path and what came of it, without the disk's lock: others may ask for space here.
  void after_allocate(std::function<void(const std::string&, const Status&)> f) {
    const std::lock_guard lock(mutex_);
    after_allocate_ = std::move(f);
  }
  void clear_faults() {
    const std::lock_guard lock(mutex_);
    faults_.clear();
  }
  void set_total_bytes(uint64_t n) {
    const std::lock_guard lock(mutex_);
    total_bytes_ = n;
  }
  // Handles that are open on files whose path begins so.
  uint64_t open_files(std::string_view path_begin) const {
    const std::lock_guard lock(mutex_);
    uint64_t n = 0;
    for (const auto& [path, handles] : open_)
      if (path.starts_with(path_begin)) n += handles;
    return n;
  }
  uint64_t used_bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_below(*root_);
  }
  uint64_t count(DiskOp op, std::string_view path_part = {}) const {
    const std::lock_guard lock(mutex_);
    uint64_t n = 0;
    for (const auto& [key, times] : counts_)
      if (key.first == op && key.second.find(path_part) != std::string::npos) n += times;
    return n;
  }
  // Looks at and changes a file behind everybody's back, on both images.
  std::vector<uint8_t> bytes(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const NodeRef node = find(path);
    ION_ASSERT(node != nullptr && !node->directory);
    return {node->seen->begin(), node->seen->begin() + static_cast<std::ptrdiff_t>(node->length)};
  }
  void set_bytes(const std::string& path, const std::vector<uint8_t>& bytes) {
    const std::lock_guard lock(mutex_);
    const NodeRef node = find(path);
    ION_ASSERT(node != nullptr);
    node->seen = std::make_shared<std::vector<uint8_t>>(bytes);
    node->length = bytes.size(), node->durable = bytes;
    node->dirty.assign(sectors(bytes.size()), false);
  }
  void flip(const std::string& path, uint64_t byte, unsigned bit) {
    std::vector<uint8_t> changed = bytes(path);
    ION_ASSERT(byte < changed.size());
    changed[byte] = static_cast<uint8_t>(changed[byte] ^ (1u << bit));
    set_bytes(path, changed);
  }
  void take_away(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto [parent, name] = parent_of(path);
    ION_ASSERT(parent != nullptr);
    parent->names.erase(name), parent->durable_names.erase(name);
  }
  bool exists(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    return find(path) != nullptr;
  }
  std::vector<std::string> names_in(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    const NodeRef node = find(path);
    if (node != nullptr)
      for (const auto& [name, child] : node->names) names.push_back(name);
    return names;
  }

 private:
  friend class FakeFiles;
  friend class FakeFile;
  friend class FakeMap;

  static uint64_t sectors(uint64_t bytes) { return (bytes + kSector - 1) / kSector; }
  void next_life() {
    ++life_;
    crashed_ = false, crash_at_ = UINT64_MAX;
    open_.clear();
  }

  // ---- with the lock held
  // May this operation happen? Counts it, asks the fault rules, and notices the crash.
  Status admit(DiskOp op, const std::string& path, uint64_t life, bool changes, DiskRange range = {}) {
    if (life != life_ || crashed_) return {ION_E_CLOSED, path + ": the machine is down"};
    ++counts_[{op, path}];
    if (changes && changes_++ == crash_at_) {
      crashed_ = true;
      return {ION_E_CLOSED, path + ": the machine went down"};
    }
    for (FaultRule& rule : faults_) {
      if (rule.op != op || path.find(rule.path_part) == std::string::npos || rule.times == 0) continue;
      if (rule.byte != UINT64_MAX && (rule.byte < range.at || rule.byte - range.at >= range.n)) continue;
      if (rule.after > 0) {
        --rule.after;
        continue;
      }
      --rule.times;
      return {rule.code, path + ": a fault that the test asked for"};
    }
    return {};
  }
  bool pretends(DiskOp op, std::string_view path) const {
    return std::any_of(pretended_.begin(), pretended_.end(), [&](const auto& p) { return p.first == op && path.find(p.second) != std::string_view::npos; });
  }
  NodeRef find(std::string_view path) const {
    NodeRef at = root_;
    while (!path.empty() && path != "." && at != nullptr) {
      const size_t end = std::min(path.find('/'), path.size());
      const auto child = at->names.find(std::string(path.substr(0, end)));
      at = child == at->names.end() ? nullptr : child->second;
      path.remove_prefix(std::min(end + 1, path.size()));
    }
    return at;
  }
  std::pair<NodeRef, std::string> parent_of(std::string_view path) const {
    const size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return {root_, std::string(path)};
    return {find(path.substr(0, slash)), std::string(path.substr(slash + 1))};
  }
  static void change(Node& directory, std::vector<std::pair<std::string, NodeRef>> names) {
    for (const auto& [name, node] : names) {
      if (node == nullptr) directory.names.erase(name);
      else directory.names[name] = node;
    }
    directory.waiting.push_back({std::move(names)});
  }
  static void apply(std::map<std::string, NodeRef>& to, const Node::Change& c) {
    for (const auto& [name, node] : c.names) {
      if (node == nullptr) to.erase(name);
      else to[name] = node;
    }
  }

  static void write(Node& node, uint64_t at, std::span<const uint8_t> bytes) {
    if (bytes.empty()) return;
    const uint64_t end = at + bytes.size();
    grow(node, end);
    ION_ASSERT(node.maps == 0 || at >= node.mapped_before);
    std::memcpy(node.seen->data() + at, bytes.data(), bytes.size());
    for (uint64_t s = at / kSector; s <= (end - 1) / kSector; ++s) node.dirty[s] = true;
  }
  static void grow(Node& node, uint64_t length) {
    if (length <= node.length) return;
    if (length > node.seen->size()) {
      node.mapped_before = node.maps > 0 ? std::max(node.mapped_before, node.length) : 0;
      auto larger = std::make_shared<std::vector<uint8_t>>(*node.seen);
      larger->resize(length, 0);
      node.seen = std::move(larger);
    }
    node.length = length;
    node.dirty.resize(sectors(length), false);
  }
  static void sync(Node& node) {
    node.durable.resize(node.length, 0);
    for (uint64_t s = 0; s < node.dirty.size(); ++s) {
      if (!node.dirty[s]) continue;
      copy_sector(node, s, node.durable);
      node.dirty[s] = false;
    }
  }
  static void copy_sector(const Node& node, uint64_t s, std::vector<uint8_t>& to) {
    const uint64_t from = s * kSector, end = std::min<uint64_t>({from + kSector, node.length, to.size()});
    if (from < end) std::memcpy(to.data() + from, node.seen->data() + from, end - from);
  }

  static NodeRef after_power_cut(const Node& node, SeededRandom& random, PowerCut cut) {
    auto after = std::make_shared<Node>();
    after->directory = node.directory;
    if (node.directory) {
      auto names = node.durable_names;
      for (uint64_t i = 0, happened = random.below(node.waiting.size() + 1); i < happened; ++i) apply(names, node.waiting[i]);
      for (const auto& [name, child] : names) after->names[name] = after_power_cut(*child, random, cut);
      after->durable_names = after->names;
      return after;
    }
    std::vector<uint8_t> bytes = node.durable;
    if (node.length != bytes.size() && random.one_in(2)) bytes.resize(node.length, 0);
    for (uint64_t s = 0; s < node.dirty.size(); ++s) {
      if (!node.dirty[s]) continue;
      if (random.one_in(2)) copy_sector(node, s, bytes);
      else if (cut.garbage && random.one_in(4))
        for (uint64_t i = s * kSector; i < std::min<uint64_t>((s + 1) * kSector, bytes.size()); ++i) bytes[i] = static_cast<uint8_t>(random.u64());
    }
    after->length = bytes.size();
    after->dirty.assign(sectors(bytes.size()), false);
    after->seen = std::make_shared<std::vector<uint8_t>>(bytes);
    after->durable = std::move(bytes);
    return after;
  }
  static NodeRef copy_of(const Node& node) {
    auto copy = std::make_shared<Node>();
    copy->directory = node.directory;
    for (const auto& [name, child] : node.names) copy->names[name] = copy_of(*child);
    copy->durable_names = copy->names;
    copy->length = node.length;
    copy->seen = std::make_shared<std::vector<uint8_t>>(node.seen->begin(), node.seen->begin() + static_cast<std::ptrdiff_t>(node.length));
    copy->durable = *copy->seen;
    copy->dirty.assign(sectors(node.length), false);
    return copy;
  }
  static void unlock_all(Node& node) {
    node.locked = false, node.maps = 0;
    for (const auto& [name, child] : node.names) unlock_all(*child);
  }
  static uint64_t bytes_below(const Node& node) {
    uint64_t n = node.length;
    for (const auto& [name, child] : node.names) n += bytes_below(*child);
    return n;
  }

  mutable std::mutex mutex_;
  NodeRef root_;
  uint64_t life_ = 0;
  uint64_t changes_ = 0, crash_at_ = UINT64_MAX;
  bool crashed_ = false;
  uint64_t total_bytes_ = uint64_t{1} << 40;
  std::vector<FaultRule> faults_;
  std::vector<std::pair<DiskOp, std::string>> pretended_;
  std::function<void()> before_flush_;
  std::function<void(const std::string&, const Status&)> after_allocate_;
  std::map<std::pair<DiskOp, std::string>, uint64_t> counts_;
  std::map<std::string, uint64_t> open_;  // handles by the path they were opened with
};

}  // namespace ion::test
