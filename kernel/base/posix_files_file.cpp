#include "base/posix_files_file.h"

#include "base/posix_files_error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <set>

namespace ion::base {
namespace {

constexpr size_t kPartsAtOnce = IOV_MAX;
constexpr uint64_t kEndMax = INT64_MAX;
constexpr size_t kZeroBytes = size_t{64} << 10, kZeroParts = 16;  // one call writes 1 MiB
static_assert(kZeroBytes * kZeroParts == size_t{1} << 20);
alignas(4096) constexpr uint8_t kZeros[kZeroBytes] = {};

off_t offset_of(uint64_t at) { return static_cast<off_t>(at); }
uint64_t page_bytes() {
  static const auto bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

// Walks through a list of parts and shows what is left of it as iovecs.
class PartsLeft {
 public:
  explicit PartsLeft(std::span<const ion_buf> parts) : parts_(parts) { skip_empty(); }
  bool done() const { return part_ == parts_.size(); }
  int fill(iovec* out) const {
    size_t n = 0, skip = skip_;
    for (size_t i = part_; i < parts_.size() && n < kPartsAtOnce; ++i, skip = 0)
      if (parts_[i].n > skip) out[n++] = {const_cast<uint8_t*>(parts_[i].p) + skip, parts_[i].n - skip};
    return static_cast<int>(n);
  }
  void advance(uint64_t n) {
    while (n > 0) {
      const uint64_t here = std::min(n, parts_[part_].n - skip_);
      n -= here, skip_ += here;
      skip_empty();
    }
  }

 private:
  void skip_empty() {
    while (!done() && skip_ == parts_[part_].n) ++part_, skip_ = 0;
  }
  const std::span<const ion_buf> parts_;
  size_t part_ = 0;
  uint64_t skip_ = 0;
};

// Writes all of the parts, or answers an errno.
int write_all(int fd, uint64_t at, std::span<const ion_buf> parts) {
  iovec vectors[kPartsAtOnce];  // 16 KiB of stack, filled as far as it is used
  for (PartsLeft left(parts); !left.done();) {
    const int count = left.fill(vectors);
    const ssize_t written = posix_retried([&] { return ::pwritev(fd, vectors, count, offset_of(at)); });
    if (written < 0) return errno;
    if (written == 0) return EIO;  // never seen of a file; without this the loop would not end
    left.advance(static_cast<uint64_t>(written));
    at += static_cast<uint64_t>(written);
  }
  return 0;
}

}  // namespace

// Where the live maps of a file end.
class PosixFile::MapEnds {
 public:
  void remove(uint64_t end) {
    const std::lock_guard lock(mutex_);
    ends_.erase(ends_.find(end));
  }
  // Runs `cut` while no map can be added, if none reaches beyond `n`; else answers where the last one ends.
  template <class Cut>
  uint64_t cut_below(uint64_t n, Cut cut) {
    const std::lock_guard lock(mutex_);
    if (!ends_.empty() && *ends_.rbegin() > n) return *ends_.rbegin();
    cut();
    return 0;
  }
  // Runs `make` while nothing can be cut, and counts its map in if it answers true.
  template <class Make>
  void add_made(uint64_t end, Make make) {
    const std::lock_guard lock(mutex_);
    if (make()) ends_.insert(end);
  }

 private:
  std::mutex mutex_;
  std::multiset<uint64_t> ends_;
};

namespace {

class PosixMap final : public MappedFile {
 public:
  // `memory` begins on a page, `skip` bytes before what was asked for.
  PosixMap(std::string name, void* memory, uint64_t skip, uint64_t n, uint64_t end, std::shared_ptr<PosixFile::MapEnds> ends)
      : name_(std::move(name)), memory_(static_cast<uint8_t*>(memory)), skip_(skip), n_(n), end_(end), ends_(std::move(ends)) {}
  ~PosixMap() override {
    ION_ASSERT(::munmap(memory_, skip_ + n_) == 0);
    ends_->remove(end_);
  }
  PosixMap(const PosixMap&) = delete;
  PosixMap& operator=(const PosixMap&) = delete;

  const uint8_t* base() const override { return memory_ + skip_; }
  uint64_t size() const override { return n_; }
  Status advise(uint64_t at, uint64_t n, ion_advice hint) override {
    if (at > n_ || n > n_ - at)
      return Status(ION_E_INVALID, fmt::format("{}: wanted to advise {} bytes at {} of a map of {}", name_, n, at, n_));
    const uint64_t from = (skip_ + at) / page_bytes() * page_bytes();
    if (hint == ION_ADVISE_WILLNEED) return populate(memory_ + from, skip_ + at + n - from);
    if (::madvise(memory_ + from, skip_ + at + n - from, advice_of(hint)) == 0) return {};
    return posix_failure(name_, "advise how a map is read", errno);
  }

 private:
  // Reads the pages in. Unlike a touch, this call answers where a page cannot be read (a bad sector, or a file that somebody cut) and
  // raises no SIGBUS. Linux below 5.14 does not know it: there the pages are read when they are touched.
  Status populate(uint8_t* from, uint64_t n) {
    if (posix_retried([&] { return ::madvise(from, n, MADV_POPULATE_READ); }) == 0 || errno == EINVAL) return {};
    if (errno == EFAULT) errno = EIO;  // the system's word for "this touch would have raised SIGBUS"
    return posix_failure(name_, fmt::format("read the mapped bytes [{}, {})", from - memory_ - skip_, from - memory_ - skip_ + n), errno);
  }
  static int advice_of(ion_advice hint) {
    switch (hint) {
      case ION_ADVISE_SEQUENTIAL: return MADV_SEQUENTIAL;
      case ION_ADVISE_WILLNEED:
      case ION_ADVISE_DONTNEED: return MADV_DONTNEED;  // of a shared map of a file: the pages stay with the file
      case ION_ADVISE_NORMAL: break;
    }
    return MADV_NORMAL;
  }

  const std::string name_;
  uint8_t* const memory_;
  const uint64_t skip_, n_, end_;
  const std::shared_ptr<PosixFile::MapEnds> ends_;
};

}  // namespace

PosixFile::PosixFile(std::string name, int fd) : name_(std::move(name)), fd_(fd), map_ends_(std::make_shared<MapEnds>()) {}

PosixFile::~PosixFile() {
  if (!closed_.load(std::memory_order_relaxed)) (void)::close(fd_);
}

Status PosixFile::usable() const {
  if (const int error = broken_.load(std::memory_order_acquire); error != 0)
    return Status(ION_E_FAILED, posix_failure(name_, "sync or close it, earlier; the file is given up", error).message());
  if (closed_.load(std::memory_order_acquire)) return Status(ION_E_CLOSED, fmt::format("{}: the file is closed", posix_shown(name_)));
  return {};
}

Status PosixFile::usable(std::string_view wanted, uint64_t at, uint64_t n) const {
  ION_CHECK(usable());
  if (at <= kEndMax && n <= kEndMax - at) return {};
  return Status(ION_E_INVALID, fmt::format("{}: wanted to {} {} bytes at {}, a file ends below {}", posix_shown(name_), wanted, n, at, kEndMax));
}

Status PosixFile::failed(std::string_view wanted, uint64_t at, uint64_t n, int error) const {
  return posix_failure(name_, fmt::format("{} {} bytes at {}", wanted, n, at), error);
}

Status PosixFile::fail_for_good(std::string_view wanted, int error) {
  broken_.store(error, std::memory_order_release);
  return posix_failure(name_, wanted, error);
}

Status PosixFile::close() {
  ION_CHECK(usable());
  const std::lock_guard lock(sync_mutex_);
  if (closed_.exchange(true, std::memory_order_acq_rel)) return usable();
  // EINTR: Linux has closed it all the same, and a second close would hit whoever got the number since.
  if (::close(fd_) == 0 || errno == EINTR) return {};
  return fail_for_good("close it", errno);
}

Status PosixFile::pwrite(uint64_t at, std::span<const ion_buf> parts) {
  const uint64_t n = bytes_in(parts);
  ION_CHECK(usable("write", at, n));
  const int error = write_all(fd_, at, parts);
  return error == 0 ? Status() : failed("write", at, n, error);
}

Result<uint64_t> PosixFile::pread(uint64_t at, std::span<uint8_t> to) {
  ION_CHECK(usable("read", at, to.size()));
  uint64_t got = 0;
  while (got < to.size()) {
    const ssize_t n = posix_retried([&] { return ::pread(fd_, to.data() + got, to.size() - got, offset_of(at + got)); });
    if (n < 0) return failed("read", at, to.size(), errno);
    if (n == 0) break;
    got += static_cast<uint64_t>(n);
  }
  return got;
}

Result<uint64_t> PosixFile::length() {
  ION_CHECK(usable());
  struct stat there {};
  if (::fstat(fd_, &there) != 0) return posix_failure(name_, "ask for its length", errno);
  return static_cast<uint64_t>(there.st_size);
}

Status PosixFile::allocate(uint64_t at, uint64_t n) {
  ION_CHECK(usable("allocate", at, n));
  if (n == 0) return {};
  int error = 0;
  do error = ::posix_fallocate(fd_, offset_of(at), offset_of(n));  // answers the error, errno is not set
  while (error == EINTR);
  return error == 0 ? Status() : failed("allocate", at, n, error);
}

// By writing: FALLOC_FL_ZERO_RANGE leaves unwritten extents, and the first sync of each would pay for the conversion.
Status PosixFile::zero(uint64_t at, uint64_t n) {
  ION_CHECK(usable("zero", at, n));
  for (uint64_t done = 0; done < n;) {
    std::array<ion_buf, kZeroParts> parts;
    uint64_t piece = 0;
    for (ion_buf& part : parts) {
      part = borrowed(std::span(kZeros, std::min<uint64_t>(kZeroBytes, n - done - piece)));
      piece += part.n;
    }
    if (const int error = write_all(fd_, at + done, parts); error != 0) return failed("zero", at, n, error);
    done += piece;
  }
  return {};
}

Status PosixFile::sync_data() {
  const std::lock_guard lock(sync_mutex_);
  ION_CHECK(usable());
  if (posix_retried([&] { return ::fdatasync(fd_); }) == 0) return {};
  return fail_for_good("sync its data", errno);
}

Status PosixFile::shrink(uint64_t n) {
  ION_TRY(const uint64_t there, length());
  if (n > there) return Status(ION_E_INVALID, fmt::format("{}: wanted to shrink it to {} bytes, it has {}", posix_shown(name_), n, there));
  int error = 0;
  const uint64_t mapped = map_ends_->cut_below(n, [&] {
    if (posix_retried([&] { return ::ftruncate(fd_, offset_of(n)); }) != 0) error = errno;
  });
  if (mapped != 0)
    return Status(ION_E_BUSY, fmt::format("{}: wanted to shrink it to {} bytes, a map reaches to {}", posix_shown(name_), n, mapped));
  return error == 0 ? Status() : failed("keep", 0, n, error);
}

Status PosixFile::writeback(uint64_t at, uint64_t n) {
  ION_CHECK(usable("begin to write out", at, n));
  if (n == 0) return {};  // to the system zero means "to the end"
  if (posix_retried([&] { return ::sync_file_range(fd_, offset_of(at), offset_of(n), SYNC_FILE_RANGE_WRITE); }) == 0) return {};
  return failed("begin to write out", at, n, errno);
}

Result<std::unique_ptr<MappedFile>> PosixFile::map(uint64_t at, uint64_t n) {
  ION_CHECK(usable("map", at, n));
  const uint64_t skip = at % page_bytes();
  void* memory = MAP_FAILED;
  Status status;
  map_ends_->add_made(at + n, [&] {
    Result<uint64_t> there = length();
    if (!there) return status = std::move(there).error(), false;
    if (n == 0 || at + n > *there) {
      status = Status(ION_E_INVALID, fmt::format("{}: wanted to map {} bytes at {}, it has {}", posix_shown(name_), n, at, *there));
      return false;
    }
    memory = ::mmap(nullptr, skip + n, PROT_READ, MAP_SHARED, fd_, offset_of(at - skip));
    if (memory == MAP_FAILED) return status = failed("map", at, n, errno), false;
    return true;
  });
  if (!status.ok()) return status;
  return std::unique_ptr<MappedFile>(std::make_unique<PosixMap>(name_, memory, skip, n, at + n, map_ends_));
}

}  // namespace ion::base
