// The world behind ports: what the host gives to plugins (through the host table) and the kernel to its modules (directly).
// kernel/base makes them real, a simulator makes them imaginary; nobody sees a difference. Thread words as in the ABI.
#pragma once
#include <ion/abi/host.h>
#include <ion/abi/host/files.h>
#include <ion/ids.h>
#include <ion/op.h>
#include <ion/result.h>
#include <ion/time.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ion {

class Clock {  // ANY
 public:
  virtual ~Clock() = default;
  virtual Instant now() = 0;
  virtual WallMs wall() = 0;
};

class Random {  // ANY; a seeded stream per name
 public:
  virtual ~Random() = default;
  virtual uint64_t u64() = 0;
  virtual Status secret(void* to, uint64_t n) = 0;  // for keys only
};

// The only threads. Work on one shard never overlaps and is ordered. A full queue refuses with OVERLOADED and `fn` never runs.
class Executor {  // ANY
 public:
  virtual ~Executor() = default;
  virtual uint32_t shards() const = 0;
  virtual Status post(ShardId shard, ion_fn fn, void* ctx) = 0;
  virtual Status run(ShardId shard, ion_fn fn, void* ctx) = 0;  // here and now if the shard is idle, else as post
  virtual Status post_blocking(ion_fn fn, void* ctx) = 0;
};

using TimerHandle = void*;
class Timers {
 public:
  virtual ~Timers() = default;
  virtual Result<TimerHandle> arm(ShardId shard, Instant at, ion_fn fn, void* ctx) = 0;  // ANY; fires once, on the shard
  virtual bool disarm(TimerHandle timer) = 0;  // SHARD; true: will not fire. The handle is gone either way
};

enum class LogLevel : int32_t { kDebug = ION_LOG_DEBUG, kInfo = ION_LOG_INFO, kWarn = ION_LOG_WARN, kError = ION_LOG_ERROR };
struct LogField {
  std::string_view key;
  std::string value;
};
class Logger {  // ANY; fields, not sentences; never payload, never a secret
 public:
  virtual ~Logger() = default;
  virtual void write(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) = 0;
  void info(std::string_view text, std::initializer_list<LogField> fields = {}) { write(LogLevel::kInfo, text, fields); }
  void warn(std::string_view text, std::initializer_list<LogField> fields = {}) { write(LogLevel::kWarn, text, fields); }
  void error(std::string_view text, std::initializer_list<LogField> fields = {}) { write(LogLevel::kError, text, fields); }
};

// Files of one directory. Paths are relative to it. Words and failures: ion/abi/host/files.h.
class MappedFile {
 public:
  virtual ~MappedFile() = default;  // unmaps
  virtual const uint8_t* base() const = 0;
  virtual uint64_t size() const = 0;
  virtual Status advise(uint64_t at, uint64_t n, ion_advice hint) = 0;  // ANY
};
class File {
 public:
  virtual ~File() = default;  // closes; an error of that close is lost, call close() where it matters
  virtual Status close() = 0;                                                    // BLOCKING
  virtual Status pwrite(uint64_t at, std::span<const ion_buf> parts) = 0;        // ANY
  virtual Result<uint64_t> pread(uint64_t at, std::span<uint8_t> to) = 0;        // BLOCKING, and so are the rest
  virtual Result<uint64_t> length() = 0;
  virtual Status allocate(uint64_t at, uint64_t n) = 0;
  virtual Status zero(uint64_t at, uint64_t n) = 0;
  virtual Status sync_data() = 0;
  virtual Status shrink(uint64_t n) = 0;
  virtual Status writeback(uint64_t at, uint64_t n) = 0;  // ANY
  virtual Result<std::unique_ptr<MappedFile>> map(uint64_t at, uint64_t n) = 0;
  Status pwrite(uint64_t at, std::span<const uint8_t> bytes) {
    const ion_buf part = borrowed(bytes);
    return pwrite(at, std::span<const ion_buf>(&part, 1));
  }
};
struct DirEntry {
  std::string name;
  uint64_t bytes = 0;
  bool directory = false;
};
struct DiskSpace {
  uint64_t free_bytes = 0, total_bytes = 0;
};
class Files {  // BLOCKING
 public:
  virtual ~Files() = default;
  virtual Result<std::unique_ptr<File>> open(std::string_view path, uint32_t mode) = 0;
  virtual Status rename(std::string_view from, std::string_view to) = 0;
  virtual Status remove(std::string_view path) = 0;
  virtual Status make_dir(std::string_view path) = 0;
  virtual Status sync_dir(std::string_view path) = 0;
  virtual Result<std::vector<DirEntry>> list(std::string_view dir) = 0;  // sorted by name
  virtual Result<DiskSpace> space() = 0;
};

namespace detail {
template <class F>
void run_boxed(void* ctx) noexcept {
  std::unique_ptr<F> job(static_cast<F*>(ctx));
  (*job)();
}
template <class F, class Give>
Status give_boxed(F&& f, Give&& give) {
  using Job = std::decay_t<F>;
  auto box = std::make_unique<Job>(std::forward<F>(f));
  Status given = give(&run_boxed<Job>, box.get());
  if (given.ok()) (void)box.release();
  return given;
}
}  // namespace detail
// The same with a callable; one allocation. Refused: the callable is destroyed, and with it every Later it holds answers.
template <class F>
Status post(Executor& to, ShardId shard, F&& f) {
  return detail::give_boxed(std::forward<F>(f), [&](ion_fn fn, void* ctx) { return to.post(shard, fn, ctx); });
}
template <class F>
Status run(Executor& to, ShardId shard, F&& f) {
  return detail::give_boxed(std::forward<F>(f), [&](ion_fn fn, void* ctx) { return to.run(shard, fn, ctx); });
}
template <class F>
Status post_blocking(Executor& to, F&& f) {
  return detail::give_boxed(std::forward<F>(f), [&](ion_fn fn, void* ctx) { return to.post_blocking(fn, ctx); });
}

}  // namespace ion
