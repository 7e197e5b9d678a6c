// Files that are flushed before they are closed, and a group flush that comes while that goes on.
#include "io/open_files.h"

#include "support/thread_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

namespace ion::storage_mmap {
namespace {

// A file whose first flush goes on until somebody else has asked for one, and then fails.
struct Device {
  std::atomic<bool> flushing{false}, asked{false};
  void flush() {
    flushing = true;
    flushing.notify_all();
    asked.wait(false);
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();  // who does not wait for this flush is through by now
  }
};
class SlowFile final : public File {
 public:
  explicit SlowFile(Device& device) : device_(device) {}
  Status close() override { return {}; }
  using File::pwrite;
  Status pwrite(uint64_t, std::span<const ion_buf>) override { return {}; }
  Result<uint64_t> pread(uint64_t, std::span<uint8_t>) override { return uint64_t{0}; }
  Result<uint64_t> length() override { return uint64_t{0}; }
  Status allocate(uint64_t, uint64_t) override { return {}; }
  Status zero(uint64_t, uint64_t) override { return {}; }
  Status sync_data() override {
    device_.flush();
    return {ION_E_IO, "the device is gone"};
  }
  Status shrink(uint64_t) override { return {}; }
  Status writeback(uint64_t, uint64_t) override { return {}; }
  Result<std::unique_ptr<MappedFile>> map(uint64_t, uint64_t) override { return Status(ION_E_UNSUPPORTED, "no maps"); }

 private:
  Device& device_;
};
class SlowFiles final : public Files {
 public:
  explicit SlowFiles(Device& device) : device_(device) {}
  Result<std::unique_ptr<File>> open(std::string_view, uint32_t) override { return std::unique_ptr<File>(std::make_unique<SlowFile>(device_)); }
  Status rename(std::string_view, std::string_view) override { return {}; }
  Status remove(std::string_view) override { return {}; }
  Status make_dir(std::string_view) override { return {}; }
  Status sync_dir(std::string_view) override { return {}; }
  Result<std::vector<DirEntry>> list(std::string_view) override { return std::vector<DirEntry>{}; }
  Result<DiskSpace> space() override { return DiskSpace{}; }

 private:
  Device& device_;
};

TEST(OpenFiles, a_flush_waits_for_the_one_that_another_thread_is_in_and_shares_its_failure) {
  Device device;
  SlowFiles files(device);
  auto executor = std::make_optional<test::ThreadExecutor>();
  const auto outstanding = std::make_shared<Outstanding>();
  BlockingJobs jobs(*executor, outstanding);
  OpenFiles pool(files, jobs, 0);  // every file is one too many: a job flushes and closes it
  const auto file = std::make_shared<PooledFile>(pool, "segment", nullptr);
  ASSERT_TRUE(file->use()) << "opened, and at once handed to a job that closes it";
  device.flushing.wait(false);
  device.asked = true;
  device.asked.notify_all();
  const Status flushed = file->sync();
  EXPECT_EQ(flushed.code(), ION_E_IO) << "acknowledged before the bytes were on the disk: " << flushed.text();
  executor.reset();  // the job ends before what it works on
}

}  // namespace
}  // namespace ion::storage_mmap
