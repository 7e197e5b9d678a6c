#include "io/segment_file.h"

#include <algorithm>

namespace ion::storage_mmap {

namespace {
constexpr uint64_t kWriteStep = uint64_t{1} << 20;  // small steps: the device serves others in between

Status zero_in_steps(File& file, uint64_t at, uint64_t n) {
  for (uint64_t done = 0; done < n;) {
    const uint64_t step = std::min(kWriteStep, n - done);
    ION_CHECK(file.zero(at + done, step));
    done += step;
  }
  return {};
}
Status fill_new(File& file, uint64_t capacity, Prepare how) {
  ION_CHECK(file.allocate(0, capacity));
  if (how == Prepare::kAllocated) return {};
  ION_CHECK(zero_in_steps(file, 0, capacity));
  return file.sync_data();
}
}  // namespace

Result<std::unique_ptr<SegmentFile>> SegmentFile::make(OpenFiles& pool, std::string path, uint64_t capacity, Prepare how) {
  Files& files = pool.files();
  ION_TRY(std::unique_ptr<File> file, files.open(path, ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE | ION_FILE_EXCLUSIVE));
  if (const Status filled = fill_new(*file, capacity, how); !filled.ok()) {
    file.reset();
    (void)files.remove(path);
    return filled;
  }
  auto pooled = std::make_shared<PooledFile>(pool, path, std::move(file));
  pool.add(pooled);
  return std::unique_ptr<SegmentFile>(new SegmentFile(std::move(pooled), std::move(path), capacity));
}

Result<std::unique_ptr<SegmentFile>> SegmentFile::open(OpenFiles& pool, std::string path) {
  ION_TRY(std::unique_ptr<File> file, pool.files().open(path, ION_FILE_READ | ION_FILE_WRITE));
  ION_TRY(const uint64_t bytes, file->length());
  auto pooled = std::make_shared<PooledFile>(pool, path, std::move(file));
  pool.add(pooled);
  return std::unique_ptr<SegmentFile>(new SegmentFile(std::move(pooled), std::move(path), bytes));
}

Status SegmentFile::writeback(uint64_t at, uint64_t n) {
  ION_TRY(const std::shared_ptr<File> file, file_->use());
  return file->writeback(at, n);
}

Status SegmentFile::zero(uint64_t at, uint64_t n) {
  return file_->change([&](File& f) { return zero_in_steps(f, at, n); });
}

Status SegmentFile::write_again(uint64_t at, uint64_t upto) {
  return file_->change([&](File& f) -> Status {
    std::vector<uint8_t> bytes;
    for (; at < upto; at += bytes.size()) {
      bytes.resize(std::min(kWriteStep, upto - at));
      ION_CHECK(read_exactly(f, at, bytes, path_));
      ION_CHECK(f.pwrite(at, bytes));
    }
    return {};
  });
}

Status SegmentFile::grow(uint64_t capacity) {
  if (capacity <= capacity_) return {};
  ION_CHECK(file_->change([&](File& f) {
    const Status grown = f.allocate(capacity_, capacity - capacity_);
    if (grown.ok()) return grown;
    const Result<uint64_t> length = f.length();
    if (length && *length > capacity_) (void)f.shrink(capacity_);
    return grown;
  }));
  capacity_ = capacity;
  return {};
}

Status SegmentFile::shrink(uint64_t end) {
  if (end >= capacity_) return {};
  ION_CHECK(file_->change([&](File& f) { return f.shrink(end); }));
  capacity_ = end;
  return {};
}

Result<std::unique_ptr<MappedFile>> SegmentFile::map() {
  ION_TRY(const std::shared_ptr<File> file, file_->use());
  return file->map(0, capacity_);
}

Status SegmentFile::rename_to(Files& files, std::string path) {
  ION_CHECK(files.rename(path_, path));
  path_ = path;
  file_->renamed(std::move(path));
  return {};
}

Status read_exactly(File& file, uint64_t at, std::span<uint8_t> to, std::string_view path) {
  ION_TRY(const uint64_t got, file.pread(at, to));
  if (got == to.size()) return {};
  return {ION_E_CORRUPT, std::string(path) + ": wanted " + std::to_string(to.size()) + " bytes at " + std::to_string(at) +
                             ", the file ends after " + std::to_string(got)};
}

Result<std::vector<uint8_t>> read_file(Files& files, const std::string& path, uint64_t bytes_max) {
  ION_TRY(const std::unique_ptr<File> file, files.open(path, ION_FILE_READ));
  ION_TRY(const uint64_t length, file->length());
  if (length > bytes_max)
    return Status(ION_E_CORRUPT, path + ": has " + std::to_string(length) + " bytes, wanted at most " + std::to_string(bytes_max));
  std::vector<uint8_t> bytes(length);
  ION_CHECK(read_exactly(*file, 0, bytes, path));
  return bytes;
}

Status remove_if_there(Files& files, const std::string& path) {
  const Status gone = files.remove(path);
  return gone.code() == ION_E_NOT_FOUND ? Status() : gone;
}

Status write_file(Files& files, const std::string& path, std::span<const uint8_t> bytes) {
  ION_CHECK(remove_if_there(files, path));
  ION_TRY(const std::unique_ptr<File> file, files.open(path, ION_FILE_WRITE | ION_FILE_CREATE | ION_FILE_EXCLUSIVE));
  ION_CHECK(file->pwrite(0, bytes));
  ION_CHECK(file->sync_data());
  return file->close();
}

}  // namespace ion::storage_mmap
