// A storage that does nothing but answer as its script says, and remembers what it was asked.
#pragma once
#include <ion/bridge/storage_bridge.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unit/sdk/asked.h"

namespace ion::test {

// What both classes below share with the test: it outlives them.
struct StorageNotes {
  Script script;
  std::vector<std::string> asked;
  OpenOptions options;
  CountedBytes bytes{"a batch"};
  int logs_alive = 0, replacements_alive = 0;
  std::optional<OpenOptions> reconfigured;

  template <class... A>
  void note(std::string_view verb, const A&... a) {
    std::string line(verb);
    ((line += ' ', line += text(a)), ...);
    asked.push_back(std::move(line));
  }
  static std::string text(std::string_view s) { return std::string(s); }
  static std::string text(Offset o) { return std::to_string(o.v); }
  template <class N>
    requires std::is_integral_v<N>
  static std::string text(N n) { return std::to_string(n); }
};

class FakeReplacement final : public Replacement {
 public:
  explicit FakeReplacement(StorageNotes& notes) : notes_(notes) { ++notes_.replacements_alive; }
  ~FakeReplacement() override { --notes_.replacements_alive; }
  Answer append(Op& op, std::span<const ion_batch> batches) override {
    for (const ion_batch& b : batches) notes_.note("replace_append", b.base, b.next);
    return notes_.script.answer(op);
  }
  Answer commit(Op& op) override { return notes_.note("replace_commit"), notes_.script.answer(op); }
  Answer abort(Op& op) override { return notes_.note("replace_abort"), notes_.script.answer(op); }

 private:
  StorageNotes& notes_;
};

class FakeLog final : public Log {
 public:
  explicit FakeLog(StorageNotes& notes) : notes_(notes) { ++notes_.logs_alive; }
  ~FakeLog() override { --notes_.logs_alive; }

  Answer close(Op& op) override {
    const Answer answer = notes_.script.answer(op);
    notes_.note("close");  // through a member, after the completion: the object must still be there
    return answer;
  }
  Answer append(Op& op, std::span<const ion_batch> batches) override {
    for (const ion_batch& b : batches) notes_.note("append", b.base, b.next, b.epoch, bytes_in({b.parts, b.nparts}));
    return notes_.script.answer(op, static_cast<uint64_t>(batches.back().next));
  }
  Answer read(Op& op, Offset from, Offset upto, uint64_t bytes_max) override {
    notes_.note("read", from, upto, bytes_max);
    return notes_.script.answer(op, 3, 9, [this] {
      Bufs bufs;
      bufs.push_back(notes_.bytes.lend());
      bufs.push_back(notes_.bytes.lend());
      return bufs;
    });
  }
  Answer sync(Op& op, Offset upto) override { return notes_.note("sync", upto), notes_.script.answer(op, 12); }
  Answer truncate_suffix(Op& op, Offset from) override { return notes_.note("truncate_suffix", from), notes_.script.answer(op); }
  Answer truncate_prefix(Op& op, Offset to) override { return notes_.note("truncate_prefix", to), notes_.script.answer(op); }
  Answer offset_for_time(Op& op, Offset from, WallMs time) override { return notes_.note("time", from, time.ms), notes_.script.answer(op, 5, 1000); }
  LogStat stat() override {
    if (notes_.script.how == How::kThrow) throw std::runtime_error("stat threw");
    return {true, false, false, {1}, {9}, {7}, {4}, {-1}, {-1}, 4096, {2000}, {1500}};
  }
  Answer meta_put(Op& op, std::span<const ion_field> items) override {
    for (const ion_field& f : items) notes_.note("meta_put", text_of(f.key), text_of(f.value));
    return notes_.script.answer(op);
  }
  Answer meta_get(Op& op, std::string_view key) override {
    notes_.note("meta_get", key);
    return notes_.script.answer(op, 0, 0, [this] {
      Bufs bufs;
      bufs.push_back(notes_.bytes.lend());
      return bufs;
    });
  }
  Result<std::vector<ion_range>> ranges(Offset from, size_t cap) override {
    if (notes_.script.how == How::kRefuse) return Status(ION_E_OUT_OF_RANGE, "below the first");
    std::vector<ion_range> found;
    for (int64_t at = from.v; found.size() < std::min<size_t>(cap, 5); at += 10) found.push_back({at, at + 10, 100, at, at + 3});
    return found;
  }
  Status configure(const OpenOptions& options) override {
    notes_.reconfigured = options;
    return notes_.script.how == How::kRefuse ? Status(ION_E_INVALID, "too small") : Status();
  }
  Answer seal(Op& op) override { return notes_.note("seal"), notes_.script.answer(op); }
  Answer replace(Op& op, Offset base, Offset next, std::unique_ptr<Replacement>* out) override {
    notes_.note("replace_begin", base, next);
    return notes_.script.answer(op, 0, 0, [this, out] {
      *out = std::make_unique<FakeReplacement>(notes_);
      return Bufs();
    });
  }

 private:
  StorageNotes& notes_;
};

class FakeStorage final : public Storage {
 public:
  explicit FakeStorage(StorageNotes& notes) : notes_(notes) {}
  uint32_t caps() const override { return ION_STORAGE_TIME_INDEX | ION_STORAGE_ZERO_COPY; }
  Answer open(Op& op, std::string_view log, const OpenOptions& options, std::unique_ptr<Log>* out) override {
    notes_.note("open", log);
    // The options are looked at when the op completes: they are borrowed until then.
    return notes_.script.answer(op, 0, 0, [this, out, &options] {
      notes_.options = options;
      *out = std::make_unique<FakeLog>(notes_);
      return Bufs();
    });
  }
  Answer list(Op& op, std::string_view prefix, EachName each) override {
    notes_.note("list", prefix);
    return notes_.script.answer(op, 2, 0, [each] {
      each("p/one/0", 11);
      each("p/two/0", 22);
      return Bufs();
    });
  }
  Answer remove(Op& op, std::string_view log) override { return notes_.note("remove", log), notes_.script.answer(op); }
  Answer space(Op& op) override { return notes_.note("space"), notes_.script.answer(op); }
  Result<Uuid> identity() override {
    if (notes_.script.how == How::kThrow) throw std::runtime_error("identity threw");
    if (notes_.script.how == How::kRefuse) return Status(ION_E_IO, "cannot read it");
    return Uuid::random(1, 2);
  }

 private:
  StorageNotes& notes_;
};

struct StoragePlugin {
  static constexpr uint32_t kStorageCaps = ION_STORAGE_TIME_INDEX | ION_STORAGE_ZERO_COPY;
  StorageNotes notes;
  FakeStorage fake{notes};
  Storage& storage() { return fake; }
};

// A plugin exported to C and imported back, with one log open.
struct StorageThereAndBack {
  StoragePlugin plugin;
  ion_storage table = export_storage<StoragePlugin>;
  ImportedStorage storage{ion_ref{&table, &plugin}};
  std::unique_ptr<Log> log;

  StorageThereAndBack() { (void)opened(); }
  Asked opened() {
    return Asked([this](Op& op) { return storage.open(op, "p/x/0", {}, &log); });
  }
  Asked closed() {
    return Asked([this](Op& op) { return log->close(op); });
  }
  ~StorageThereAndBack() {
    plugin.notes.script.how = How::kInline;
    if (log != nullptr && plugin.notes.logs_alive > 0) (void)closed();
  }
};

}  // namespace ion::test
