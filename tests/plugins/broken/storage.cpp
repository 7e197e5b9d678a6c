// A storage that breaks one promise, named in its settings: storage-memory behind a handle that spoils one answer. For the tests of
// ion-conform.
#include "io/memory_storage.h"

#include <ion/bridge/host_bridge.h>
#include <ion/bridge/storage_bridge.h>
#include <ion/plugin.h>

namespace {

struct Settings {
  std::string defect;
  static constexpr auto rows() { return std::tuple{ion::row("defect", &Settings::defect, "The promise that is broken; empty: none.")}; }
};

class BrokenLog final : public ion::Log {
 public:
  BrokenLog(std::unique_ptr<ion::Log> inner, std::string defect) : inner_(std::move(inner)), defect_(std::move(defect)) {}

  ion::Answer close(ion::Op& op) override { return inner_->close(op); }
  ion::Answer append(ion::Op& op, std::span<const ion_batch> batches) override {
    const ion::Answer answer = inner_->append(op, batches);
    if (is("next")) {
      if (answer.code() == ION_OK) ++op.now().u0;
    } else if (is("twice")) {
      if (answer.code() == ION_OK) op.raw().done(op.raw().ctx, &op.now());
    }
    return answer;
  }
  ion::Answer read(ion::Op& op, ion::Offset from, ion::Offset upto, uint64_t bytes_max) override {
    if (is("upto")) {
      upto = {INT64_MAX};
    } else if (is("bytes")) {
      bytes_max = UINT64_MAX / 2;
    } else if (is("below")) {
      if (from < inner_->stat().first) from = inner_->stat().first;
    }
    const ion::Answer answer = inner_->read(op, from, upto, bytes_max);
    if (is("slice")) {
      if (answer.code() == ION_OK && op.now().nbufs == 1) {  // the next read writes over it
        const ion::Buf read = ion::Buf::adopt(op.now().bufs[0]);
        shown_.assign(read.data(), read.data() + read.size());
        op.now().bufs[0] = {shown_.data(), shown_.size(), nullptr, nullptr};
    }
    }
    return answer;
  }
  ion::Answer sync(ion::Op& op, ion::Offset upto) override {
    if (is("sync")) {
      return op.ok(static_cast<uint64_t>(upto.v));
    }
    return inner_->sync(op, upto);
  }
  ion::Answer truncate_suffix(ion::Op& op, ion::Offset from) override {
    if (is("suffix")) {
      from = from + 1;
    }
    return inner_->truncate_suffix(op, from);
  }
  ion::Answer truncate_prefix(ion::Op& op, ion::Offset before) override {
    if (is("prefix")) {
      before = before + -1;
    }
    return inner_->truncate_prefix(op, before);
  }
  ion::Answer offset_for_time(ion::Op& op, ion::Offset from, ion::WallMs time) override {
    if (is("time")) {
      from = {0};
    }
    return inner_->offset_for_time(op, from, time);
  }
  ion::LogStat stat() override { return inner_->stat(); }
  ion::Answer meta_put(ion::Op& op, std::span<const ion_field> items) override {
    if (is("meta")) {
      for (const ion_field& item : items)
        if (const ion::Answer one = inner_->meta_put(op, {&item, 1}); one.code() != ION_OK) return one;
      return op.ok();
    }
    return inner_->meta_put(op, items);
  }
  ion::Answer meta_get(ion::Op& op, std::string_view key) override { return inner_->meta_get(op, key); }
  ion::Result<std::vector<ion_range>> ranges(ion::Offset from, size_t cap) override {
    if (is("ranges")) {
      from = {0};
    }
    return inner_->ranges(from, cap);
  }
  ion::Status configure(const ion::OpenOptions& options) override { return inner_->configure(options); }
  ion::Answer seal(ion::Op& op) override {
    if (is("seal")) {
      return op.ok();
    }
    return inner_->seal(op);
  }

 private:
  bool is(std::string_view defect) const { return defect_ == defect; }
  const std::unique_ptr<ion::Log> inner_;
  const std::string defect_;
  std::vector<uint8_t> shown_;
};

class Broken final : public ion::Storage {
 public:
  using Config = Settings;
  static constexpr uint32_t kStorageCaps = ION_STORAGE_TIME_INDEX | ION_STORAGE_VOLATILE;
  Broken(ion::Host host, std::string defect) : defect_(std::move(defect)), clock_(host.raw()), inner_(clock_, ion::storage_memory::StorageMemoryConfig{}, ion::Uuid::random(1, 2)) {}
  static ion::Result<std::unique_ptr<Broken>> create(ion::Host host, const Settings& s) { return std::make_unique<Broken>(host, s.defect); }
  ion::Status start() { return {}; }
  ion::Answer drain(ion::Op& op) { return op.ok(); }
  const void* table(std::string_view id) { return id == ION_STORAGE_ID ? &ion::export_storage<Broken> : nullptr; }
  ion::Storage& storage() { return *this; }

  uint32_t caps() const override { return kStorageCaps; }
  ion::Answer open(ion::Op& op, std::string_view log, const ion::OpenOptions& options, std::unique_ptr<ion::Log>* out) override {
    if (options.compaction) return op.refuse(ion::Status(ION_E_UNSUPPORTED, "no compaction"));
    const ion::OpenOptions any{.existing = options.existing && !is("existing"), .segment_bytes = options.segment_bytes};
    std::unique_ptr<ion::Log> inner;
    const ion::Answer answer = inner_.open(op, log, any, &inner);
    if (answer.code() == ION_OK) *out = std::make_unique<BrokenLog>(std::move(inner), defect_);
    return answer;
  }
  ion::Answer list(ion::Op& op, std::string_view prefix, ion::EachName each) override {
    if (is("list")) {
      prefix = {};
    }
    return inner_.list(op, prefix, std::move(each));
  }
  ion::Answer remove(ion::Op& op, std::string_view log) override { return inner_.remove(op, log); }
  ion::Result<ion::Uuid> identity() override {
    if (is("identity")) {
      return ion::Uuid{};
    }
    return inner_.identity();
  }

 private:
  bool is(std::string_view defect) const { return defect_ == defect; }
  const std::string defect_;
  ion::ImportedClock clock_;
  ion::storage_memory::MemoryStorage inner_;
};

}  // namespace

ION_PLUGIN(Broken, "ion.test.broken", "0.1.0", "ion.storage/1", "")
