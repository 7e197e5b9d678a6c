// What goes wrong below the port: a full disk, a limit, a device that fails to sync, a lock that somebody else holds.
#include "base/posix_files.h"

#include "unit/kernel/base/support.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <vector>

namespace ion::base {
namespace {

using test::must;

constexpr uint32_t kNew = ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE;

std::unique_ptr<PosixFiles> at(const std::string& path) { return must(PosixFiles::open(path)); }
Status write(File& file, uint64_t where, std::string_view text) { return file.pwrite(where, span_of(text)); }

// The descriptor behind an open file, so that a test can put something worse in its place.
int descriptor_of(const std::string& path) {
  for (int fd = 3; fd < 1024; ++fd) {
    char name[4096];
    const ssize_t n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), name, sizeof name);
    if (n > 0 && std::string_view(name, static_cast<size_t>(n)) == path) return fd;
  }
  ADD_FAILURE() << "no descriptor for " << path;
  return -1;
}

// A disk of 1 MiB in a mount namespace of this process. False where that is not permitted.
bool mount_small_disk(const std::string& path) {
  if (::unshare(CLONE_NEWNS) != 0) return false;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m") == 0;
}

struct PosixFilesFaults : ::testing::Test {
  test::TempDir temp;
  std::unique_ptr<PosixFiles> files = at(temp.path());
  std::unique_ptr<File> file = must(files->open("log", kNew));
  const std::string path = temp.path() + "/log";
};

TEST(posix_files_full_disk, is_no_space_from_write_allocate_and_zero_and_the_file_goes_on) {
  test::TempDir temp;
  if (!mount_small_disk(temp.path())) GTEST_SKIP() << "mounting a small tmpfs is not permitted here";
  {
    auto files = at(temp.path());
    auto file = must(files->open("log", kNew));
    EXPECT_OK(write(*file, 0, std::string(900 << 10, 'x')));
    EXPECT_LT(must(files->space()).free_bytes, uint64_t{200} << 10);
    const Status full = write(*file, 900 << 10, std::string(300 << 10, 'y'));
    EXPECT_CODE(ION_E_NO_SPACE, full);
    EXPECT_EQ(full.message(), temp.path() + "/log: wanted to write 307200 bytes at 921600: No space left on device (ENOSPC)");
    EXPECT_CODE(ION_E_NO_SPACE, file->allocate(0, 2 << 20));
    EXPECT_CODE(ION_E_NO_SPACE, file->zero(0, 2 << 20));
    EXPECT_OK(file->shrink(100 << 10));
    EXPECT_OK(write(*file, 100 << 10, std::string(300 << 10, 'z')));
    EXPECT_OK(file->sync_data());
  }
  EXPECT_EQ(::umount(temp.path().c_str()), 0);
}

// The limit makes the system write a part first: a short write, then the error.
TEST_F(PosixFilesFaults, a_short_write_goes_on_until_all_is_written_or_the_reason_is_known) {
  (void)std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const struct rlimit small { 5000, before.rlim_max };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string first(3000, 'a'), second(3000, 'b'), third(10, 'c');
  const ion_buf parts[] = {borrowed(span_of(first)), borrowed(span_of(second)), borrowed(span_of(third))};
  const Status limited = file->pwrite(0, parts);
  const Status fits = write(*file, 4000, std::string(1000, 'd'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_CODE(ION_E_NO_SPACE, limited);
  EXPECT_EQ(limited.message(), path + ": wanted to write 6010 bytes at 0: File too large (EFBIG)");
  EXPECT_OK(fits);
  std::string text(6000, '?');
  EXPECT_EQ(must(file->pread(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()})), 5000u);
  EXPECT_EQ(text.substr(0, 5000), std::string(3000, 'a') + std::string(1000, 'b') + std::string(1000, 'd'));
}

TEST_F(PosixFilesFaults, a_device_that_is_full_from_the_start_is_no_space) {
  const int full = ::open("/dev/full", O_RDWR);
  ASSERT_GE(full, 0);
  ASSERT_GE(::dup2(full, descriptor_of(path)), 0);
  EXPECT_CODE(ION_E_NO_SPACE, write(*file, 0, "x"));
  ::close(full);
}

// A pipe cannot be synced: the system answers an error, as a failing disk would.
TEST_F(PosixFilesFaults, after_a_failed_sync_the_file_is_failed_for_good) {
  EXPECT_OK(write(*file, 0, "x"));
  const int number = descriptor_of(path), kept = ::dup(number);
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  ASSERT_GE(::dup2(pipe[1], number), 0);
  const Status first = file->sync_data();
  EXPECT_FALSE(first.ok());
  EXPECT_EQ(first.message(), path + ": wanted to sync its data: Invalid argument (EINVAL)");
  ASSERT_GE(::dup2(kept, number), 0);  // the disk is well again, and nobody may believe it
  const Status again = file->sync_data();
  EXPECT_CODE(ION_E_FAILED, again);
  EXPECT_EQ(again.message(), path + ": wanted to sync or close it, earlier; the file is given up: Invalid argument (EINVAL)");
  std::array<uint8_t, 1> byte{};
  EXPECT_CODE(ION_E_FAILED, write(*file, 0, "y"));
  EXPECT_CODE(ION_E_FAILED, file->pread(0, byte));
  EXPECT_CODE(ION_E_FAILED, file->length());
  EXPECT_CODE(ION_E_FAILED, file->allocate(0, 1));
  EXPECT_CODE(ION_E_FAILED, file->zero(0, 1));
  EXPECT_CODE(ION_E_FAILED, file->shrink(0));
  EXPECT_CODE(ION_E_FAILED, file->writeback(0, 1));
  EXPECT_CODE(ION_E_FAILED, file->map(0, 1));
  EXPECT_CODE(ION_E_FAILED, file->close());
  for (const int fd : {pipe[0], pipe[1], kept}) ::close(fd);
}

TEST_F(PosixFilesFaults, after_a_failed_close_the_file_is_failed_for_good) {
  ASSERT_EQ(::close(descriptor_of(path)), 0);
  const Status first = file->close();
  EXPECT_FALSE(first.ok());
  EXPECT_EQ(first.message(), path + ": wanted to close it: Bad file descriptor (EBADF)");
  EXPECT_CODE(ION_E_FAILED, file->close());
  EXPECT_CODE(ION_E_FAILED, file->sync_data());
}

TEST_F(PosixFilesFaults, a_lock_of_another_process_is_busy_and_ends_with_it) {
  int held[2], release[2];
  ASSERT_EQ(::pipe(held), 0);
  ASSERT_EQ(::pipe(release), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {  // takes the lock, says so, and dies without unlocking when the parent lets go
    ::close(release[1]);
    auto mine = PosixFiles::open(temp.path());
    auto locked = (*mine)->open("lock", kNew | ION_FILE_LOCK);
    char byte = locked ? 'y' : 'n';
    if (::write(held[1], &byte, 1) != 1) ::_exit(1);
    (void)::read(release[0], &byte, 1);
    ::_exit(0);
  }
  ::close(release[0]);
  char byte = 0;
  ASSERT_EQ(::read(held[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  const auto refused = files->open("lock", kNew | ION_FILE_LOCK);
  EXPECT_CODE(ION_E_BUSY, refused);
  EXPECT_EQ(refused.error().message(), temp.path() + "/lock: wanted its lock, somebody else holds it");
  EXPECT_OK(files->open("lock", ION_FILE_READ));  // the lock is advisory
  ::close(release[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_OK(files->open("lock", kNew | ION_FILE_LOCK));
  ::close(held[0]), ::close(held[1]);
}

TEST_F(PosixFilesFaults, a_lock_holds_within_the_process_too_and_ends_with_the_file) {
  auto first = must(files->open("lock", kNew | ION_FILE_LOCK));
  EXPECT_CODE(ION_E_BUSY, files->open("lock", kNew | ION_FILE_LOCK));
  EXPECT_OK(first->close());
  EXPECT_OK(files->open("lock", kNew | ION_FILE_LOCK));
}

TEST_F(PosixFilesFaults, a_lock_that_is_let_go_while_it_is_waited_for_is_taken) {
  auto first = must(files->open("lock", kNew | ION_FILE_LOCK));
  std::vector<std::string> waited;
  const auto patient = must(PosixFiles::open(temp.path(), {seconds(60), [&](const std::string& held) {
                                                             waited.push_back(held);
                                                             EXPECT_OK(first->close());
                                                           }}));
  EXPECT_OK(patient->open("lock", kNew | ION_FILE_LOCK));
  EXPECT_EQ(waited, std::vector<std::string>{temp.path() + "/lock"});
}

TEST_F(PosixFilesFaults, a_lock_that_is_kept_is_busy_at_the_limit) {
  const auto first = must(files->open("lock", kNew | ION_FILE_LOCK));
  int waits = 0;
  const auto patient = must(PosixFiles::open(temp.path(), {milliseconds(1), [&](const std::string&) { ++waits; }}));
  EXPECT_CODE(ION_E_BUSY, patient->open("lock", kNew | ION_FILE_LOCK));
  EXPECT_EQ(waits, 1);
}

TEST_F(PosixFilesFaults, no_more_descriptors_is_overloaded) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the undefined-behaviour sanitizer itself needs a descriptor to look at an object";
#endif
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const struct rlimit few { static_cast<rlim_t>(descriptor_of(path) + 1), before.rlim_max };
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<int> below;  // whatever is free below takes part
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) below.push_back(fd);
  const Status refused = test::error_of(files->open("other", kNew));
  const Status listed = test::error_of(files->list("."));
  for (const int fd : below) (void)::close(fd);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_CODE(ION_E_OVERLOADED, refused);
  EXPECT_CODE(ION_E_OVERLOADED, listed);
}

TEST_F(PosixFilesFaults, what_one_may_not_do_is_forbidden) {
  ASSERT_EQ(::chmod(temp.path().c_str(), 0500), 0);
  const bool root = ::geteuid() == 0;  // root may do everything: be nobody for a moment
  ASSERT_TRUE(!root || ::seteuid(65534) == 0);
  const Status created = test::error_of(files->open("new", kNew));
  const Status made = test::error_of(PosixFiles::open(temp.path() + "/below"));
  ASSERT_TRUE(!root || ::seteuid(0) == 0);
  ASSERT_EQ(::chmod(temp.path().c_str(), 0700), 0);
  EXPECT_CODE(ION_E_FORBIDDEN, created);
  EXPECT_CODE(ION_E_FORBIDDEN, made);
}

TEST_F(PosixFilesFaults, words_of_a_very_long_path_still_say_why) {
  std::string deep = "d";
  for (int i = 0; i < 30; ++i) deep += "/dddddddddd";
  const auto refused = files->open(deep + "/the-file", ION_FILE_READ);
  EXPECT_CODE(ION_E_NOT_FOUND, refused);
  ion_err err{sizeof(ion_err), ION_OK, {}};
  (void)refused.error().to(&err);
  EXPECT_TRUE(std::string_view(err.msg).ends_with("/the-file: wanted to open it: No such file or directory (ENOENT)")) << err.msg;
}

TEST_F(PosixFilesFaults, syncs_and_writes_of_many_threads_agree) {
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 50; ++i) {
        EXPECT_OK(write(*file, (t * 50 + i) * 8, "12345678"));
        EXPECT_OK(i % 10 == 0 ? file->sync_data() : Status());
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(must(file->length()), 4u * 50 * 8);
}

}  // namespace
}  // namespace ion::base
