// The plugin's side of files_bridge.h, which see: Files, File and MappedFile over ion.files/1. The table outlives them all.
// Words of failures name the path; of most functions only the code crosses. Thread words: ion/abi/host/files.h.
#pragma once
#include <ion/bridge/crossing.h>
#include <ion/ports.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace ion {

class ImportedMap final : public MappedFile {
 public:
  ImportedMap(const ion_files* table, void* self, ion_map* map, std::span<const uint8_t> bytes) noexcept
      : table_(table), self_(self), map_(map), bytes_(bytes) {}
  ImportedMap(const ImportedMap&) = delete;
  ImportedMap& operator=(const ImportedMap&) = delete;
  ~ImportedMap() override {
    if (ION_OFFERS(table_, unmap)) table_->unmap(self_, map_);
  }
  const uint8_t* base() const override { return bytes_.data(); }
  uint64_t size() const override { return bytes_.size(); }
  Status advise(uint64_t at, uint64_t n, ion_advice hint) override { return ION_CALL(advise, map_, at, n, hint); }
  // OK: sampled pages are in memory; BUSY: some are not; UNSUPPORTED: this host cannot tell.
  Status resident(uint64_t at, uint64_t n) { return ION_CALL(resident, map_, at, n); }

 private:
  static constexpr std::string_view kId = ION_FILES_ID;
  const ion_files* const table_;
  void* const self_;
  ion_map* const map_;
  const std::span<const uint8_t> bytes_;
};

// Asks while the file is open, and names it when the answer is no.
#define ION_CALL_FILE(member, ...) \
  (file_ == nullptr ? closed() : named(ION_CALL(member, file_ __VA_OPT__(, ) __VA_ARGS__)))

class ImportedFile final : public File {
 public:
  ImportedFile(const ion_files* table, void* self, ion_file* file, std::string path) noexcept
      : table_(table), self_(self), file_(file), path_(std::move(path)) {}
  ImportedFile(const ImportedFile&) = delete;
  ImportedFile& operator=(const ImportedFile&) = delete;
  ~ImportedFile() override {
    if (file_ != nullptr) (void)close();
  }

  using File::pwrite;
  Status close() override {  // the handle ends here, whatever the answer
    if (file_ == nullptr) return closed();
    if (!ION_OFFERS(table_, close)) return bridge::missing(kId, "close");
    ion_err err{sizeof(ion_err), ION_OK, {}};
    return bridge::told(kId, "close", table_->close(self_, std::exchange(file_, nullptr), &err), &err);
  }
  Status pwrite(uint64_t at, std::span<const ion_buf> parts) override {
    return ION_CALL_FILE(pwrite, at, parts.data(), static_cast<uint32_t>(parts.size()));
  }
  Result<uint64_t> pread(uint64_t at, std::span<uint8_t> to) override {
    uint64_t got = 0;
    ION_CHECK(ION_CALL_FILE(pread, at, to.data(), to.size(), &got));
    return got;
  }
  Result<uint64_t> length() override {
    uint64_t n = 0;
    ION_CHECK(ION_CALL_FILE(length, &n));
    return n;
  }
  Status allocate(uint64_t at, uint64_t n) override { return ION_CALL_FILE(allocate, at, n); }
  Status zero(uint64_t at, uint64_t n) override { return ION_CALL_FILE(zero, at, n); }
  Status sync_data() override { return ION_CALL_FILE(sync_data); }
  Status shrink(uint64_t n) override { return ION_CALL_FILE(shrink, n); }
  Status writeback(uint64_t at, uint64_t n) override { return ION_CALL_FILE(writeback, at, n); }
  Result<std::unique_ptr<MappedFile>> map(uint64_t at, uint64_t n) override {
    ion_map* map = nullptr;
    const uint8_t* base = nullptr;
    ION_CHECK(ION_CALL_FILE(map, at, n, &map, &base));
    return std::make_unique<ImportedMap>(table_, self_, map, std::span<const uint8_t>(base, n));
  }

 private:
  static constexpr std::string_view kId = ION_FILES_ID;
  Status closed() const { return {ION_E_CLOSED, "ion.files/1: " + path_ + " was closed"}; }
  Status named(Status s) const { return s.ok() ? s : Status(s.code(), s.message() + " for " + path_); }
  const ion_files* const table_;
  void* const self_;
  ion_file* file_;
  const std::string path_;
};

#undef ION_CALL_FILE

class ImportedFiles final : public Files {
 public:
  explicit ImportedFiles(ion_ref ref) noexcept : table_(static_cast<const ion_files*>(ref.table)), self_(ref.self) {}

  Result<std::unique_ptr<File>> open(std::string_view path, uint32_t mode) override {
    if (!ION_OFFERS(table_, open)) return bridge::missing(kId, "open");
    std::string kept(path);
    ion_file* file = nullptr;
    ion_err err{sizeof(ion_err), ION_OK, {}};
    const ion_status code = table_->open(self_, bytes_of(path), mode, &file, &err);
    if (code != ION_OK) return err.msg[0] != 0 ? Status::from(code, &err) : named(bridge::told(kId, "open", code), path);
    if (file == nullptr) return Status(ION_E_INTERNAL, "ion.files/1 open answered OK without a file");
    return std::make_unique<ImportedFile>(table_, self_, file, std::move(kept));
  }
  Status rename(std::string_view from, std::string_view to) override {
    return named(ION_CALL(rename, bytes_of(from), bytes_of(to)), from);
  }
  Status remove(std::string_view path) override { return named(ION_CALL(remove, bytes_of(path)), path); }
  Status make_dir(std::string_view path) override { return named(ION_CALL(make_dir, bytes_of(path)), path); }
  Status sync_dir(std::string_view path) override { return named(ION_CALL(sync_dir, bytes_of(path)), path); }
  Result<std::vector<DirEntry>> list(std::string_view dir) override {
    Listing heard;
    ION_CHECK(named(ION_CALL(list, bytes_of(dir), &Listing::hear, &heard), dir));
    if (heard.threw) return Status(ION_E_NO_MEMORY, "no memory for the names in " + std::string(dir));
    std::sort(heard.entries.begin(), heard.entries.end(), [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
    return std::move(heard.entries);
  }
  Result<DiskSpace> space() override {
    DiskSpace s;
    ION_CHECK(ION_CALL(space, &s.free_bytes, &s.total_bytes));
    return s;
  }
  Answer sync_all(Op& op) { return ION_PASS(op, sync_all); }  // every file of this instance's device; may be UNSUPPORTED

 private:
  static constexpr std::string_view kId = ION_FILES_ID;
  struct Listing {
    std::vector<DirEntry> entries;
    bool threw = false;
    static void hear(void* ctx, ion_bytes name, uint64_t bytes) noexcept {
      auto* heard = static_cast<Listing*>(ctx);
      std::string_view text = text_of(name);
      const bool directory = text.ends_with('/');
      if (directory) text.remove_suffix(1);
      heard->threw |= bridge::cross(nullptr, [&] {
        heard->entries.push_back({std::string(text), bytes, directory});
        return ION_OK;
      }) != ION_OK;
    }
  };
  static Status named(Status s, std::string_view path) {
    return s.ok() ? s : Status(s.code(), s.message() + " for " + std::string(path));
  }
  const ion_files* table_;
  void* self_;
};

}  // namespace ion
