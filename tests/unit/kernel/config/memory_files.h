// A read-only tree of files in memory behind the port Files, rooted at "/".
#pragma once
#include <ion/ports.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace ion::config::test {

class MemoryFiles : public Files {
 public:
  // Absolute path to content.
  std::map<std::string, std::string> files;

  Result<std::unique_ptr<File>> open(std::string_view path, uint32_t mode) override {
    if (mode != ION_FILE_READ) return Status(ION_E_UNSUPPORTED, "read only");
    const auto at = files.find("/" + std::string(path));
    if (at == files.end()) return Status(ION_E_NOT_FOUND, "no such file");
    return std::unique_ptr<File>(new Text(at->second));
  }
  Result<std::vector<DirEntry>> list(std::string_view dir) override {
    std::vector<DirEntry> entries;
    std::set<std::string> folders;
    const std::string prefix = "/" + std::string(dir) + "/";
    for (const auto& [path, text] : files) {
      if (!path.starts_with(prefix)) continue;
      const std::string rest = path.substr(prefix.size());
      if (const size_t slash = rest.find('/'); slash != std::string::npos) folders.insert(rest.substr(0, slash));
      else entries.push_back({rest, text.size(), false});
    }
    for (const std::string& folder : folders) entries.push_back({folder, 0, true});
    if (entries.empty()) return Status(ION_E_NOT_FOUND, "no such directory");
    std::reverse(entries.begin(), entries.end());  // nobody may rely on the order of a directory
    return entries;
  }
  Status rename(std::string_view, std::string_view) override { return refused(); }
  Status remove(std::string_view) override { return refused(); }
  Status make_dir(std::string_view) override { return refused(); }
  Status sync_dir(std::string_view) override { return refused(); }
  Result<DiskSpace> space() override { return refused(); }

 private:
  static Status refused() { return {ION_E_UNSUPPORTED, "read only"}; }
  class Text : public File {
   public:
    explicit Text(std::string text) : text_(std::move(text)) {}
    Status close() override { return {}; }
    Status pwrite(uint64_t, std::span<const ion_buf>) override { return refused(); }
    Result<uint64_t> pread(uint64_t at, std::span<uint8_t> to) override {
      const uint64_t n = std::min<uint64_t>(to.size(), text_.size() - std::min<uint64_t>(at, text_.size()));
      std::copy_n(text_.begin() + static_cast<ptrdiff_t>(at), n, to.begin());
      return n;
    }
    Result<uint64_t> length() override { return text_.size(); }
    Status allocate(uint64_t, uint64_t) override { return refused(); }
    Status zero(uint64_t, uint64_t) override { return refused(); }
    Status sync_data() override { return refused(); }
    Status shrink(uint64_t) override { return refused(); }
    Status writeback(uint64_t, uint64_t) override { return refused(); }
    Result<std::unique_ptr<MappedFile>> map(uint64_t, uint64_t) override { return refused(); }

   private:
    std::string text_;
  };
};

}  // namespace ion::config::test
