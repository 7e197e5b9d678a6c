// One open file and its maps, over POSIX. What it promises stands in posix_files.h; made by PosixFiles only.
// Invariant: a sync that answers OK covers every write that ended before it began; once one failed, none answers OK any more.
#pragma once
#include <ion/ports.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace ion::base {

class PosixFile final : public File {
 public:
  PosixFile(std::string name, int fd);  // owns the descriptor
  ~PosixFile() override;
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Status close() override;
  Status pwrite(uint64_t at, std::span<const ion_buf> parts) override;
  Result<uint64_t> pread(uint64_t at, std::span<uint8_t> to) override;
  Result<uint64_t> length() override;
  Status allocate(uint64_t at, uint64_t n) override;
  Status zero(uint64_t at, uint64_t n) override;
  Status sync_data() override;
  // INVALID if it is shorter already, BUSY if a live map would lose its end: reading there would kill the process.
  Status shrink(uint64_t n) override;
  Status writeback(uint64_t at, uint64_t n) override;
  Result<std::unique_ptr<MappedFile>> map(uint64_t at, uint64_t n) override;

  class MapEnds;

 private:
  Status usable() const;
  Status usable(std::string_view wanted, uint64_t at, uint64_t n) const;
  Status failed(std::string_view wanted, uint64_t at, uint64_t n, int error) const;
  Status fail_for_good(std::string_view wanted, int error);

  const std::string name_;
  const int fd_;
  std::atomic<bool> closed_{false};
  std::atomic<int> broken_{0};  // the errno of the sync or close that failed

  // One sync at a time: of two that overlap in the kernel one takes the error of both, and the other would say OK.
  std::mutex sync_mutex_;
  // Shared with the maps, which may outlive the file and then still count themselves out.
  const std::shared_ptr<MapEnds> map_ends_;
};

}  // namespace ion::base
