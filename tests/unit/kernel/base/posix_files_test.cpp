#include "base/posix_files.h"

#include "unit/kernel/base/support.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <vector>

namespace ion::base {
namespace {

using test::must;

constexpr uint32_t kNew = ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE;

struct PosixFilesTest : ::testing::Test {
  std::unique_ptr<File> open(std::string_view path, uint32_t mode = kNew) { return must(files->open(path, mode)); }
  static std::string read(File& file, uint64_t at = 0, uint64_t n = 1 << 20) {
    std::string text(n, '?');
    const uint64_t got = must(file.pread(at, {reinterpret_cast<uint8_t*>(text.data()), n}));
    return text.substr(0, got);
  }
  static Status write(File& file, uint64_t at, std::string_view text) { return file.pwrite(at, span_of(text)); }
  std::vector<std::string> names(std::string_view dir) {
    std::vector<std::string> out;
    for (const DirEntry& entry : must(files->list(dir))) out.push_back(entry.name + (entry.directory ? "/" : ""));
    return out;
  }
  std::string real(std::string_view path) const { return temp.path() + "/data/" + std::string(path); }

  test::TempDir temp;
  std::unique_ptr<PosixFiles> files = must(PosixFiles::open(temp.path() + "/data"));
};

TEST_F(PosixFilesTest, the_root_and_its_parents_are_made_for_their_owner_only) {
  EXPECT_OK(PosixFiles::open(temp.path() + "/a/b//c/"));
  for (const char* made : {"/a", "/a/b", "/a/b/c"}) {
    struct stat there {};
    ASSERT_EQ(::stat((temp.path() + made).c_str(), &there), 0);
    EXPECT_EQ(there.st_mode & 0777, 0700u);
  }
}

TEST_F(PosixFilesTest, an_existing_root_keeps_its_mode_and_its_files) {
  ASSERT_EQ(::mkdir((temp.path() + "/old").c_str(), 0750), 0);
  std::ofstream(temp.path() + "/old/kept") << "x";
  auto old = must(PosixFiles::open(temp.path() + "/old"));
  EXPECT_EQ(must(old->list(".")).at(0).name, "kept");
  struct stat there {};
  ASSERT_EQ(::stat((temp.path() + "/old").c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777, 0750u & 0777);
}

TEST_F(PosixFilesTest, a_root_that_is_no_directory_is_refused) {
  std::ofstream(temp.path() + "/file") << "x";
  const auto refused = PosixFiles::open(temp.path() + "/file");
  EXPECT_CODE(ION_E_INVALID, refused);
  EXPECT_EQ(refused.error().message(), temp.path() + "/file: wanted to open the directory: Not a directory (ENOTDIR)");
  EXPECT_CODE(ION_E_INVALID, PosixFiles::open(temp.path() + "/file/below"));
  EXPECT_CODE(ION_E_INVALID, PosixFiles::open(""));
}

TEST_F(PosixFilesTest, paths_that_leave_the_root_or_say_nothing_are_refused_everywhere) {
  const std::string long_name(256, 'n');
  std::string long_path = "n";
  while (long_path.size() < 4200) long_path += "/nnnnnnnnn";
  for (const std::string& path : std::vector<std::string>{"", "/", "/etc/passwd", "..", "../x", "a/../b", "a/..", "./a", "a/.", "a//b", "a/",
                                                          std::string("a\0b", 3), long_name, long_path}) {
    SCOPED_TRACE(path);
    EXPECT_CODE(ION_E_INVALID, files->open(path, kNew));
    EXPECT_CODE(ION_E_INVALID, files->rename(path, "x"));
    EXPECT_CODE(ION_E_INVALID, files->rename("x", path));
    EXPECT_CODE(ION_E_INVALID, files->remove(path));
    EXPECT_CODE(ION_E_INVALID, files->make_dir(path));
    EXPECT_CODE(ION_E_INVALID, files->sync_dir(path));
    EXPECT_CODE(ION_E_INVALID, files->list(path));
  }
  EXPECT_EQ(files->open("../x", kNew).error().message(),
            "wanted a path below " + temp.path() + "/data, \"../x\" is refused: it has the name . or ..");
  EXPECT_CODE(ION_E_INVALID, files->open(".", kNew));
  EXPECT_CODE(ION_E_INVALID, files->remove("."));
  EXPECT_OK(files->open("..a", kNew));
  EXPECT_OK(files->open(".hidden", kNew));
}

TEST_F(PosixFilesTest, what_was_written_is_read_back) {
  auto file = open("log");
  EXPECT_OK(write(*file, 0, "hello "));
  EXPECT_OK(write(*file, 6, "world"));
  EXPECT_EQ(read(*file), "hello world");
  EXPECT_EQ(read(*file, 6, 3), "wor");
  EXPECT_EQ(read(*file, 11, 10), "");
  EXPECT_EQ(read(*file, 1'000'000, 10), "");
  EXPECT_EQ(must(file->length()), 11u);
  EXPECT_OK(file->sync_data());
  EXPECT_OK(file->close());
  EXPECT_EQ(read(*open("log", ION_FILE_READ)), "hello world");
}

TEST_F(PosixFilesTest, a_list_of_parts_longer_than_the_system_takes_is_written_whole) {
  auto file = open("log");
  std::vector<std::string> texts;
  std::string all;
  for (int i = 0; i < 5000; ++i) {
    texts.push_back(i % 7 == 0 ? "" : std::to_string(i) + ",");
    all += texts.back();
  }
  std::vector<ion_buf> parts;
  for (const std::string& text : texts) parts.push_back(borrowed(span_of(text)));
  EXPECT_OK(file->pwrite(10, parts));
  EXPECT_EQ(read(*file, 10), all);
  EXPECT_EQ(must(file->length()), 10 + all.size());
  EXPECT_OK(file->pwrite(0, std::span<const ion_buf>()));
  const ion_buf empty{};
  EXPECT_OK(file->pwrite(0, std::span(&empty, 1)));
  EXPECT_EQ(must(file->length()), 10 + all.size());
}

TEST_F(PosixFilesTest, a_missing_file_is_not_found_and_an_exclusive_one_must_not_be_there) {
  const auto missing = files->open("log", ION_FILE_READ);
  EXPECT_CODE(ION_E_NOT_FOUND, missing);
  EXPECT_EQ(missing.error().message(), real("log") + ": wanted to open it: No such file or directory (ENOENT)");
  EXPECT_CODE(ION_E_NOT_FOUND, files->open("no/dir", kNew));
  EXPECT_OK(files->open("log", kNew | ION_FILE_EXCLUSIVE));
  EXPECT_CODE(ION_E_EXISTS, files->open("log", kNew | ION_FILE_EXCLUSIVE));
  EXPECT_OK(files->open("log", kNew));
  struct stat there {};
  ASSERT_EQ(::stat(real("log").c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777, 0600u);
}

TEST_F(PosixFilesTest, modes_that_make_no_sense_are_refused) {
  for (const uint32_t mode : {0u, uint32_t{ION_FILE_CREATE}, uint32_t{ION_FILE_READ | ION_FILE_CREATE},
                              uint32_t{ION_FILE_WRITE | ION_FILE_EXCLUSIVE}, uint32_t{ION_FILE_READ | 64}})
    EXPECT_CODE(ION_E_INVALID, files->open("log", mode));
  EXPECT_TRUE(names(".").empty());
}

TEST_F(PosixFilesTest, only_regular_files_are_opened) {
  EXPECT_OK(files->make_dir("dir"));
  EXPECT_CODE(ION_E_INVALID, files->open("dir", ION_FILE_READ));
  EXPECT_CODE(ION_E_INVALID, files->open("dir", kNew));
  ASSERT_EQ(::mkfifo(real("pipe").c_str(), 0600), 0);
  EXPECT_CODE(ION_E_INVALID, files->open("pipe", ION_FILE_READ));  // and it did not wait for a writer
}

TEST_F(PosixFilesTest, no_file_of_data_has_the_number_of_a_standard_stream) {
  const auto first = open("first"), second = open("second");
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the one that lists them
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!target.starts_with(temp.path())) continue;
    ++seen;
    EXPECT_GE(std::stoi(entry.path().filename().string()), 16) << target;
  }
  EXPECT_EQ(seen, 3) << "the directory and two files";
}

TEST_F(PosixFilesTest, a_file_does_only_what_it_was_opened_for) {
  EXPECT_OK(write(*open("log"), 0, "x"));
  auto reader = open("log", ION_FILE_READ);
  EXPECT_CODE(ION_E_INVALID, write(*reader, 0, "y"));
  auto writer = open("log", ION_FILE_WRITE);
  std::array<uint8_t, 1> byte{};
  EXPECT_CODE(ION_E_INVALID, writer->pread(0, byte));
  EXPECT_CODE(ION_E_FORBIDDEN, writer->map(0, 1));
}

TEST_F(PosixFilesTest, offsets_beyond_what_a_file_can_have_are_refused) {
  auto file = open("log");
  std::array<uint8_t, 2> two{};
  EXPECT_CODE(ION_E_INVALID, write(*file, UINT64_MAX, "x"));
  EXPECT_CODE(ION_E_INVALID, write(*file, INT64_MAX, "xy"));
  EXPECT_CODE(ION_E_INVALID, file->pread(uint64_t{1} << 63, two));
  EXPECT_CODE(ION_E_INVALID, file->allocate(1, UINT64_MAX));
  EXPECT_CODE(ION_E_INVALID, file->zero(UINT64_MAX, 2));
  EXPECT_CODE(ION_E_INVALID, file->writeback(UINT64_MAX, 2));
  EXPECT_CODE(ION_E_INVALID, file->map(UINT64_MAX - 1, 4096));
}

TEST_F(PosixFilesTest, allocate_makes_module_and_keeps_what_is_there) {
  auto file = open("log");
  EXPECT_OK(write(*file, 0, "abc"));
  EXPECT_OK(file->allocate(0, 1 << 20));
  EXPECT_EQ(must(file->length()), uint64_t{1} << 20);
  EXPECT_EQ(read(*file, 0, 4), std::string("abc\0", 4));
  struct stat there {};
  ASSERT_EQ(::stat(real("log").c_str(), &there), 0);
  EXPECT_GE(there.st_blocks * 512, 1 << 20);
  EXPECT_OK(file->allocate(0, 0));
}

TEST_F(PosixFilesTest, zero_overwrites_exactly_what_was_asked) {
  auto file = open("log");
  constexpr uint64_t kBytes = (5 << 20) + 1000;
  EXPECT_OK(write(*file, 0, std::string(kBytes, 'x')));
  constexpr uint64_t kFrom = 777, kZeros = (3 << 20) + 4321;
  EXPECT_OK(file->zero(kFrom, kZeros));
  EXPECT_OK(file->zero(5, 0));
  const std::string text = read(*file, 0, kBytes + 1);
  EXPECT_EQ(text, std::string(kFrom, 'x') + std::string(kZeros, '\0') + std::string(kBytes - kFrom - kZeros, 'x'));
  EXPECT_OK(file->zero(kBytes, 10));
  EXPECT_EQ(must(file->length()), kBytes + 10);
}

TEST_F(PosixFilesTest, shrink_cuts_and_never_grows) {
  auto file = open("log");
  EXPECT_OK(write(*file, 0, "0123456789"));
  EXPECT_OK(file->shrink(4));
  EXPECT_EQ(read(*file), "0123");
  const Status refused = file->shrink(5);
  EXPECT_CODE(ION_E_INVALID, refused);
  EXPECT_EQ(refused.message(), real("log") + ": wanted to shrink it to 5 bytes, it has 4");
}

TEST_F(PosixFilesTest, writeback_is_a_hint_that_changes_nothing) {
  auto file = open("log");
  EXPECT_OK(write(*file, 0, std::string(100'000, 'x')));
  EXPECT_OK(file->writeback(0, 100'000));
  EXPECT_OK(file->writeback(50'000, 0));
  EXPECT_EQ(read(*file), std::string(100'000, 'x'));
}

TEST_F(PosixFilesTest, a_map_shows_the_file_and_what_is_written_later) {
  auto file = open("log");
  EXPECT_OK(file->allocate(0, 3 * 4096));
  EXPECT_OK(write(*file, 4096, "before"));
  auto map = must(file->map(4096, 2 * 4096));
  EXPECT_EQ(map->size(), 2u * 4096);
  EXPECT_EQ(std::memcmp(map->base(), "before", 6), 0);
  EXPECT_OK(write(*file, 4096, "after!"));
  EXPECT_EQ(std::memcmp(map->base(), "after!", 6), 0);
  for (const ion_advice hint : {ION_ADVISE_NORMAL, ION_ADVISE_SEQUENTIAL, ION_ADVISE_WILLNEED, ION_ADVISE_DONTNEED})
    EXPECT_OK(map->advise(100, 5000, hint));
  EXPECT_EQ(std::memcmp(map->base(), "after!", 6), 0);
  EXPECT_CODE(ION_E_INVALID, map->advise(1, 2 * 4096, ION_ADVISE_NORMAL));
  EXPECT_CODE(ION_E_INVALID, map->advise(UINT64_MAX, 2, ION_ADVISE_NORMAL));
}

TEST_F(PosixFilesTest, a_page_of_a_map_that_cannot_be_read_is_an_error_and_no_signal) {
  auto file = open("log");
  EXPECT_OK(file->allocate(0, 8 * 4096));
  auto map = must(file->map(0, 8 * 4096));
  ASSERT_EQ(::truncate(real("log").c_str(), 3 * 4096), 0);  // somebody from outside
  EXPECT_OK(map->advise(0, 3 * 4096, ION_ADVISE_WILLNEED));
  const Status beyond = map->advise(2 * 4096, 2 * 4096, ION_ADVISE_WILLNEED);
  EXPECT_CODE(ION_E_IO, beyond);
  EXPECT_EQ(beyond.message().find(real("log") + ": wanted to read the mapped bytes [8192, 16384)"), 0u) << beyond.message();
}

TEST_F(PosixFilesTest, a_map_may_begin_anywhere_and_outlive_its_file_and_its_name) {
  std::unique_ptr<MappedFile> map;
  {
    auto file = open("log");
    EXPECT_OK(write(*file, 0, std::string(5000, 'a') + "here"));
    map = must(file->map(5000, 4));
    EXPECT_OK(file->close());
  }
  EXPECT_OK(files->remove("log"));
  EXPECT_EQ(std::memcmp(map->base(), "here", 4), 0);
}

TEST_F(PosixFilesTest, a_map_beyond_the_end_is_refused) {
  auto file = open("log");
  EXPECT_OK(write(*file, 0, "0123456789"));
  const auto refused = file->map(8, 3);
  EXPECT_CODE(ION_E_INVALID, refused);
  EXPECT_EQ(refused.error().message(), real("log") + ": wanted to map 3 bytes at 8, it has 10");
  EXPECT_CODE(ION_E_INVALID, file->map(0, 0));
  EXPECT_OK(file->map(8, 2));
}

TEST_F(PosixFilesTest, a_mapped_end_cannot_be_cut_off_until_the_map_is_gone) {
  auto file = open("log");
  EXPECT_OK(file->allocate(0, 10'000));
  auto map = must(file->map(0, 8000));
  EXPECT_OK(file->shrink(9000));
  const Status refused = file->shrink(7999);
  EXPECT_CODE(ION_E_BUSY, refused);
  EXPECT_EQ(refused.message(), real("log") + ": wanted to shrink it to 7999 bytes, a map reaches to 8000");
  EXPECT_EQ(must(file->length()), 9000u);
  auto also = must(file->map(0, 100));
  map.reset();
  EXPECT_OK(file->shrink(100));
}

TEST_F(PosixFilesTest, directories_are_made_with_their_parents_listed_sorted_and_removed_when_empty) {
  EXPECT_OK(files->make_dir("p/b/0"));
  EXPECT_OK(files->make_dir("p/b/0"));
  EXPECT_OK(files->make_dir("."));
  EXPECT_OK(write(*open("p/log"), 0, "12345"));
  EXPECT_OK(write(*open("p/a"), 0, ""));
  ASSERT_EQ(::symlink("nowhere", real("p/link").c_str()), 0);
  EXPECT_EQ(names("p"), (std::vector<std::string>{"a", "b/", "log"}));
  EXPECT_EQ(must(files->list("p")).at(2).bytes, 5u);
  EXPECT_EQ(names("."), (std::vector<std::string>{"p/"}));
  EXPECT_EQ(names("p/b/0"), std::vector<std::string>{});
  EXPECT_CODE(ION_E_CONFLICT, files->remove("p/b"));
  EXPECT_OK(files->remove("p/b/0"));
  EXPECT_OK(files->remove("p/b"));
  EXPECT_OK(files->remove("p/a"));
  EXPECT_CODE(ION_E_NOT_FOUND, files->remove("p/a"));
  EXPECT_CODE(ION_E_NOT_FOUND, files->list("nowhere"));
  EXPECT_CODE(ION_E_INVALID, files->list("p/log"));
}

TEST_F(PosixFilesTest, a_directory_cannot_be_made_where_a_file_is) {
  EXPECT_OK(write(*open("log"), 0, "x"));
  EXPECT_CODE(ION_E_INVALID, files->make_dir("log"));
  EXPECT_CODE(ION_E_INVALID, files->make_dir("log/below"));
}

TEST_F(PosixFilesTest, rename_replaces_the_target) {
  EXPECT_OK(write(*open("mark.tmp"), 0, "new"));
  EXPECT_OK(write(*open("mark"), 0, "old and longer"));
  EXPECT_OK(files->rename("mark.tmp", "mark"));
  EXPECT_OK(files->sync_dir("."));
  EXPECT_EQ(read(*open("mark")), "new");
  EXPECT_EQ(names("."), (std::vector<std::string>{"mark"}));
  const Status missing = files->rename("mark.tmp", "mark");
  EXPECT_CODE(ION_E_NOT_FOUND, missing);
  EXPECT_EQ(missing.message(), real("mark.tmp") + ": wanted to rename it to mark: No such file or directory (ENOENT)");
}

TEST_F(PosixFilesTest, directories_are_synced_and_only_directories) {
  EXPECT_OK(files->make_dir("dir"));
  EXPECT_OK(files->sync_dir("dir"));
  EXPECT_OK(write(*open("log"), 0, "x"));
  EXPECT_CODE(ION_E_INVALID, files->sync_dir("log"));
  EXPECT_CODE(ION_E_NOT_FOUND, files->sync_dir("nowhere"));
}

TEST_F(PosixFilesTest, space_is_told_in_bytes) {
  const DiskSpace space = must(files->space());
  EXPECT_GT(space.total_bytes, uint64_t{1} << 20);
  EXPECT_LE(space.free_bytes, space.total_bytes);
}

TEST_F(PosixFilesTest, a_closed_file_says_so) {
  auto file = open("log");
  EXPECT_OK(file->close());
  EXPECT_CODE(ION_E_CLOSED, file->close());
  EXPECT_CODE(ION_E_CLOSED, write(*file, 0, "x"));
  EXPECT_CODE(ION_E_CLOSED, file->sync_data());
  EXPECT_CODE(ION_E_CLOSED, file->length());
  EXPECT_CODE(ION_E_CLOSED, file->map(0, 1));
  EXPECT_CODE(ION_E_CLOSED, file->shrink(0));
}

TEST_F(PosixFilesTest, a_check_of_a_directory_refuses_what_could_not_be_one_and_makes_nothing) {
  const std::string& top = temp.path();
  EXPECT_OK(PosixFiles::check(top));
  EXPECT_OK(PosixFiles::check(top + "/two/below"));
  { std::ofstream(top + "/file") << "x"; }
  std::filesystem::create_symlink("nowhere", top + "/link");
  std::filesystem::create_symlink(top, top + "/there");
  EXPECT_OK(PosixFiles::check(top + "/there/new"));
  for (const std::string& path : {top + "/file", top + "/file/below", top + "/link", top + "/link/below", top + "/" + std::string(256, 'n'), std::string("/proc"),
                                  std::string("/proc/new"), std::string("/proc/new/below"), std::string("/sys/new"), std::string()}) {
    const Status refused = PosixFiles::check(path);
    EXPECT_FALSE(refused.ok()) << path;
    EXPECT_NE(refused.message().find(path.substr(path.size() - std::min<size_t>(path.size(), 12))), std::string::npos) << refused.message();
  }
  EXPECT_FALSE(std::filesystem::exists(top + "/two"));
  EXPECT_FALSE(std::filesystem::exists(top + "/nowhere"));
}

}  // namespace
}  // namespace ion::base
