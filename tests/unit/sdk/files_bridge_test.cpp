#include <gtest/gtest.h>
#include <ion/bridge/files_bridge.h>

#include <array>
#include <map>
#include <string>

#include "unit/sdk/asked.h"

namespace ion {
namespace {

// Files in memory, enough to see every member cross. `failing` is answered once by the next call.
struct Disk {
  std::map<std::string, std::string> files;
  std::vector<std::string> heard;
  Status failing;
  bool throwing = false;
  int files_open = 0, maps_open = 0;

  Status check(std::string line) {
    heard.push_back(std::move(line));
    if (throwing) throw std::runtime_error("the disk threw");
    return std::exchange(failing, Status());
  }
};
class MemoryMap final : public MappedFile {
 public:
  MemoryMap(Disk& disk, std::string bytes) : disk_(disk), bytes_(std::move(bytes)) { ++disk_.maps_open; }
  ~MemoryMap() override { --disk_.maps_open; }
  const uint8_t* base() const override { return reinterpret_cast<const uint8_t*>(bytes_.data()); }
  uint64_t size() const override { return bytes_.size(); }
  Status advise(uint64_t at, uint64_t n, ion_advice hint) override {
    return disk_.check("advise " + std::to_string(at) + ' ' + std::to_string(n) + ' ' + std::to_string(hint));
  }

 private:
  Disk& disk_;
  const std::string bytes_;
};
class MemoryFile final : public File {
 public:
  MemoryFile(Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) { ++disk_.files_open; }
  ~MemoryFile() override { --disk_.files_open; }
  using File::pwrite;
  Status close() override { return disk_.check("close"); }
  Status pwrite(uint64_t at, std::span<const ion_buf> parts) override {
    ION_CHECK(disk_.check("pwrite"));
    bytes().resize(std::max<size_t>(bytes().size(), at + bytes_in(parts)));
    copy_out(parts, 0, bytes_in(parts), reinterpret_cast<uint8_t*>(bytes().data()) + at);
    return {};
  }
  Result<uint64_t> pread(uint64_t at, std::span<uint8_t> to) override {
    ION_CHECK(disk_.check("pread"));
    return bytes().copy(reinterpret_cast<char*>(to.data()), to.size(), at);
  }
  Result<uint64_t> length() override {
    ION_CHECK(disk_.check("length"));
    return bytes().size();
  }
  Status allocate(uint64_t at, uint64_t n) override { return disk_.check("allocate " + std::to_string(at) + ' ' + std::to_string(n)); }
  Status zero(uint64_t at, uint64_t n) override { return disk_.check("zero " + std::to_string(at) + ' ' + std::to_string(n)); }
  Status sync_data() override { return disk_.check("sync_data"); }
  Status shrink(uint64_t n) override { return disk_.check("shrink " + std::to_string(n)); }
  Status writeback(uint64_t at, uint64_t n) override { return disk_.check("writeback " + std::to_string(at) + ' ' + std::to_string(n)); }
  Result<std::unique_ptr<MappedFile>> map(uint64_t at, uint64_t n) override {
    ION_CHECK(disk_.check("map"));
    return std::unique_ptr<MappedFile>(std::make_unique<MemoryMap>(disk_, bytes().substr(at, n)));
  }

 private:
  std::string& bytes() { return disk_.files[path_]; }
  Disk& disk_;
  const std::string path_;
};
struct MemoryFiles final : Files {
  Disk disk;
  Result<std::unique_ptr<File>> open(std::string_view path, uint32_t mode) override {
    ION_CHECK(disk.check("open " + std::string(path) + ' ' + std::to_string(mode)));
    return std::unique_ptr<File>(std::make_unique<MemoryFile>(disk, std::string(path)));
  }
  Status rename(std::string_view from, std::string_view to) override {
    return disk.check("rename " + std::string(from) + ' ' + std::string(to));
  }
  Status remove(std::string_view path) override { return disk.check("remove " + std::string(path)); }
  Status make_dir(std::string_view path) override { return disk.check("make_dir " + std::string(path)); }
  Status sync_dir(std::string_view path) override { return disk.check("sync_dir " + std::string(path)); }
  Result<std::vector<DirEntry>> list(std::string_view dir) override {
    ION_CHECK(disk.check("list " + std::string(dir)));
    return std::vector<DirEntry>{{"b.log", 7, false}, {"a", 0, true}};
  }
  Result<DiskSpace> space() override {
    ION_CHECK(disk.check("space"));
    return DiskSpace{30, 100};
  }
};
struct ThereAndBack {
  MemoryFiles port;
  ion_files table = export_files;
  ImportedFiles files{ion_ref{&table, &port}};
  std::unique_ptr<File> file = *files.open("p/0.log", ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE);
  std::string& last() { return port.disk.heard.back(); }
};

TEST(FilesBridge, bytes_go_out_and_come_back) {
  ThereAndBack there;
  EXPECT_EQ(there.last(), "open p/0.log 7");
  const ion_buf parts[] = {borrowed(span_of(std::string_view("abc"))), borrowed(span_of(std::string_view("def")))};
  ASSERT_TRUE(there.file->pwrite(2, parts).ok());
  ASSERT_TRUE(there.file->pwrite(0, span_of(std::string_view("__"))).ok());
  EXPECT_EQ(*there.file->length(), 8u);
  std::array<uint8_t, 100> to;
  EXPECT_EQ(*there.file->pread(1, to), 7u);
  EXPECT_EQ(text_of(std::span<const uint8_t>(to).first(7)), "_abcdef");
}

TEST(FilesBridge, a_map_is_read_advised_and_unmapped) {
  ThereAndBack there;
  ASSERT_TRUE(there.file->pwrite(0, span_of(std::string_view("0123456789"))).ok());
  auto map = *there.file->map(2, 5);
  EXPECT_EQ(text_of(std::span<const uint8_t>(map->base(), map->size())), "23456");
  EXPECT_TRUE(map->advise(1, 2, ION_ADVISE_WILLNEED).ok());
  EXPECT_EQ(there.last(), "advise 1 2 2");
  EXPECT_EQ(static_cast<ImportedMap&>(*map).resident(0, 5).code(), ION_E_UNSUPPORTED);
  there.file.reset();
  EXPECT_EQ(there.port.disk.maps_open, 1);  // a map outlives its file
  map.reset();
  EXPECT_EQ(there.port.disk.maps_open, 0);
}

// Each function without a result, there and back: heard, refused with words that name the path, and thrown.
TEST(FilesBridge, plain_functions_cross_with_success_refusal_and_exception) {
  ThereAndBack there;
  struct Case {
    const char* member;
    std::function<Status()> ask;
    const char* heard;
    const char* path;
  };
  File& f = *there.file;
  Files& all = there.files;
  const auto status = [](auto result) { return result ? Status() : result.error(); };
  std::array<uint8_t, 4> to;
  const Case cases[] = {
      {"pwrite", [&] { return f.pwrite(0, span_of(std::string_view("x"))); }, "pwrite", "p/0.log"},
      {"pread", [&] { return status(f.pread(0, to)); }, "pread", "p/0.log"},
      {"length", [&] { return status(f.length()); }, "length", "p/0.log"},
      {"allocate", [&] { return f.allocate(4, 8); }, "allocate 4 8", "p/0.log"},
      {"zero", [&] { return f.zero(4, 8); }, "zero 4 8", "p/0.log"},
      {"sync_data", [&] { return f.sync_data(); }, "sync_data", "p/0.log"},
      {"shrink", [&] { return f.shrink(4); }, "shrink 4", "p/0.log"},
      {"writeback", [&] { return f.writeback(4, 8); }, "writeback 4 8", "p/0.log"},
      {"map", [&] { return status(f.map(0, 1)); }, "map", "p/0.log"},
      {"rename", [&] { return all.rename("a", "b"); }, "rename a b", "a"},
      {"remove", [&] { return all.remove("a"); }, "remove a", "a"},
      {"make_dir", [&] { return all.make_dir("d/e"); }, "make_dir d/e", "d/e"},
      {"sync_dir", [&] { return all.sync_dir("d"); }, "sync_dir d", "d"},
      {"list", [&] { return status(all.list("d")); }, "list d", "d"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.member);
    const std::string prefix = std::string("ion.files/1 ") + each.member, suffix = std::string(" for ") + each.path;
    EXPECT_TRUE(each.ask().ok());
    EXPECT_EQ(there.last(), each.heard);
    there.port.disk.failing = Status(ION_E_NO_SPACE, "full");
    EXPECT_EQ(each.ask().text(), "NO_SPACE: " + prefix + " answered NO_SPACE" + suffix);
    there.port.disk.throwing = true;
    EXPECT_EQ(each.ask().code(), ION_E_EXCEPTION);
    there.port.disk.throwing = false;
    there.table.size = offsetof(ion_files, open);
    EXPECT_EQ(each.ask().text(), "UNSUPPORTED: ion.files/1 has no member " + std::string(each.member) + " here" + suffix);
    there.table.size = sizeof(ion_files);
  }
}

TEST(FilesBridge, open_and_close_bring_the_words_of_the_host) {
  ThereAndBack there;
  there.port.disk.failing = Status(ION_E_EXISTS, "p/1.log is there");
  EXPECT_EQ(there.files.open("p/1.log", 0).error().text(), "EXISTS: p/1.log is there");
  there.port.disk.throwing = true;
  EXPECT_EQ(there.files.open("p/1.log", 0).error().text(), "EXCEPTION: the disk threw");
  there.port.disk.throwing = false;
  there.port.disk.failing = Status(ION_E_IO, "close of p/0.log: EIO");
  EXPECT_EQ(there.file->close().text(), "IO: close of p/0.log: EIO");
  EXPECT_EQ(there.port.disk.files_open, 0);  // the handle ended all the same
  EXPECT_EQ(there.file->close().code(), ION_E_CLOSED);
  EXPECT_EQ(there.file->length().error().code(), ION_E_CLOSED);
}

TEST(FilesBridge, a_dropped_file_is_closed_once) {
  ThereAndBack there;
  there.file.reset();
  EXPECT_EQ(there.last(), "close");
  EXPECT_EQ(there.port.disk.files_open, 0);
}

TEST(FilesBridge, a_list_is_sorted_and_knows_directories) {
  ThereAndBack there;
  const auto found = there.files.list("p");
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].name, "a");
  EXPECT_TRUE((*found)[0].directory);
  EXPECT_EQ((*found)[1].name, "b.log");
  EXPECT_FALSE((*found)[1].directory);
  EXPECT_EQ((*found)[1].bytes, 7u);
  EXPECT_EQ(there.files.space()->free_bytes, 30u);
  EXPECT_EQ(there.files.space()->total_bytes, 100u);
}

TEST(FilesBridge, what_the_port_lacks_is_unsupported) {
  ThereAndBack there;
  test::Asked asked([&](Op& op) { return there.files.sync_all(op); });
  EXPECT_EQ(asked.code(), ION_E_UNSUPPORTED);
  EXPECT_EQ(asked.message(), "not offered by this implementation");
}

TEST(FilesBridge, an_absent_service_answers_unsupported) {
  ImportedFiles nobody(ion_ref{nullptr, nullptr});
  EXPECT_EQ(nobody.open("x", 0).error().message(), "ion.files/1 has no member open here");
  EXPECT_EQ(nobody.remove("x").code(), ION_E_UNSUPPORTED);
}

}  // namespace
}  // namespace ion
