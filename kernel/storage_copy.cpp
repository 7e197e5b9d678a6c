#include "storage_copy.h"

#include <ion/crc32c.h>
#include <ion/record_batch.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace ion {
namespace {

constexpr uint64_t kReadBytes = uint64_t{1} << 20;
// The items that this broker and its plugins keep with a log; the contract answers only what is asked for by name.
constexpr std::array<std::string_view, 2> kMetaKeys{"term", "compaction"};

// What two logs must have in common.
struct LogDigest {
  Offset first, next;
  uint64_t batches = 0, bytes = 0;
  uint32_t crc = 0;
  std::vector<std::string> meta;
  bool operator==(const LogDigest&) const = default;
};

Status of(std::string_view log, const Status& why) { return why.ok() ? why : Status(why.code(), fmt::format("log {}: {}", log, why.message())); }

class OneLog {
 public:
  OneLog(StorageCopy& copy, const std::string& name) : copy_(copy), name_(name) {}

  Result<LogDigest> copy_over() {
    return with_log(copy_.from, true, [&](Log& from) -> Result<LogDigest> {
      if (const LogStat s = from.stat(); s.damaged)
        return Status(ION_E_CORRUPT, fmt::format("offsets {} to {} are damaged, and a copy would hide that", s.bad_from.v, s.bad_upto.v));
      return with_log(copy_.to, false, [&](Log& to) { return fill(from, to); });
    });
  }
  Result<LogDigest> look_at(Storage& storage) {
    return with_log(storage, true, [&](Log& log) -> Result<LogDigest> {
      LogDigest digest = bounds(log);
      ION_CHECK(each_piece(log, digest, [](std::span<const ion_batch>) { return Status(); }));
      ION_CHECK(read_meta(log, digest));
      return digest;
    });
  }

 private:
  template <class Use>
  Result<LogDigest> with_log(Storage& storage, bool existing, Use use) {
    OpenOptions options;
    options.existing = existing;
    options.compaction = (storage.caps() & ION_STORAGE_COMPACTION) != 0;
    std::unique_ptr<Log> log;
    ION_CHECK(copy_.ask([&](Op& op) { return storage.open(op, name_, options, &log); }).status);
    Result<LogDigest> used = use(*log);
    const Status closed = copy_.ask([&](Op& op) { return log->close(op); }).status;
    if (!closed.ok()) (void)log.release();  // may be closed only by whoever ends the storage
    if (!used) return used;
    ION_CHECK(closed);
    return used;
  }

  static LogDigest bounds(Log& log) {
    const LogStat s = log.stat();
    return {s.first, s.next, 0, 0, 0, {}};
  }

  Result<LogDigest> fill(Log& from, Log& to) {
    LogDigest digest = bounds(from);
    bool begun = false;
    ION_CHECK(each_piece(from, digest, [&](std::span<const ion_batch> batches) -> Status {
      if (!std::exchange(begun, true)) ION_CHECK(begin_at(to, std::min(digest.first, Offset{batches.front().base})));
      return copy_.ask([&](Op& op) { return to.append(op, batches); }).status;
    }));
    // The first batch may have begun below the log; an empty log begins where its next record goes.
    ION_CHECK(begin_at(to, digest.first));
    ION_CHECK(read_meta(from, digest));
    for (size_t i = 0; i < kMetaKeys.size(); ++i) {
      if (digest.meta[i].empty()) continue;
      const ion_field item{bytes_of(kMetaKeys[i]), bytes_of(digest.meta[i])};
      ION_CHECK(copy_.ask([&](Op& op) { return to.meta_put(op, std::span<const ion_field>(&item, 1)); }).status);
    }
    return digest;
  }

  Status begin_at(Log& log, Offset first) {
    if (log.stat().first >= first) return {};
    return copy_.ask([&](Op& op) { return log.truncate_prefix(op, first); }).status;
  }

  // `each(batches)` for all of them in order, counted into `digest`; the first failure ends it.
  template <class Each>
  Status each_piece(Log& log, LogDigest& digest, Each each) {
    for (Offset at = digest.first; at < digest.next;) {
      Outcome read = copy_.ask([&](Op& op) { return log.read(op, at, digest.next, kReadBytes); });
      ION_CHECK(read.status);
      if (read.bufs.empty()) return {ION_E_CORRUPT, fmt::format("nothing can be read from offset {} on, and it ends at {}", at.v, digest.next.v)};
      ION_CHECK(in_batches(read.bufs, digest, each));
      at = Offset{static_cast<int64_t>(read.u1)};
    }
    return {};
  }

  template <class Each>
  static Status in_batches(const Bufs& bufs, LogDigest& digest, Each& each) {
    std::vector<ion_buf> parts;
    std::vector<ion_batch> batches;
    for (const Buf& buf : bufs) {
      digest.crc = crc32c::extend(digest.crc, buf.span());
      for (std::span<const uint8_t> rest = buf.span(); !rest.empty();) {
        const batch::Header h = rest.size() < batch::kHeaderBytes ? batch::Header{} : batch::read_header(rest.data());
        if (h.length <= 0 || h.total_bytes() > rest.size()) return {ION_E_CORRUPT, fmt::format("no whole batch behind {} others", digest.batches)};
        parts.push_back(borrowed(rest.first(h.total_bytes())));
        batches.push_back({h.base_offset.v, h.next_offset().v, h.max_time.ms, h.leader_epoch.v, 1, nullptr});
        ++digest.batches, digest.bytes += h.total_bytes();
        rest = rest.subspan(h.total_bytes());
      }
    }
    for (size_t i = 0; i < batches.size(); ++i) batches[i].parts = &parts[i];
    return each(std::span<const ion_batch>(batches));
  }

  Status read_meta(Log& log, LogDigest& digest) {
    for (const std::string_view key : kMetaKeys) {
      const Outcome got = copy_.ask([&](Op& op) { return log.meta_get(op, key); });
      if (!got.status.ok() && got.status.code() != ION_E_NOT_FOUND) return got.status;
      std::string value;
      for (const Buf& buf : got.bufs) value.append(reinterpret_cast<const char*>(buf.data()), buf.size());
      digest.meta.push_back(std::move(value));
    }
    return {};
  }

  StorageCopy& copy_;
  const std::string& name_;
};

Result<std::vector<std::string>> logs_of(StorageCopy& copy, Storage& storage) {
  std::vector<std::string> names;
  ION_CHECK(copy.ask([&](Op& op) { return storage.list(op, "", [&](std::string_view name, uint64_t) { names.emplace_back(name); }); }).status);
  std::sort(names.begin(), names.end());
  return names;
}

std::string words(const LogDigest& d) {
  return fmt::format("[{}, {}) with {} batches of {} bytes, CRC {:08x}", d.first.v, d.next.v, d.batches, d.bytes, d.crc);
}

}  // namespace

Status StorageCopy::check_empty() {
  ION_TRY(const std::vector<std::string> there, logs_of(*this, to));
  if (there.empty()) return {};
  return {ION_E_CONFLICT, fmt::format("wanted an empty storage to copy into, found {} logs, the first is {}: nothing was changed", there.size(), there.front())};
}

Result<CopyProgress> StorageCopy::run() {
  ION_CHECK(check_empty());
  ION_TRY(const std::vector<std::string> names, logs_of(*this, from));
  CopyProgress progress{"", 0, names.size(), 0, 0};
  std::vector<LogDigest> digests;
  for (const std::string& name : names) {
    Result<LogDigest> digest = OneLog(*this, name).copy_over();
    if (!digest) return of(name, digest.error());
    progress.log = name, ++progress.logs, progress.batches += digest->batches, progress.bytes += digest->bytes;
    digests.push_back(*std::move(digest));
    copied(progress);
  }
  CopyProgress seen{"", 0, names.size(), 0, 0};
  for (size_t i = 0; i < names.size(); ++i) {
    const Result<LogDigest> digest = OneLog(*this, names[i]).look_at(to);
    if (!digest) return of(names[i], Status(digest.error().code(), "its copy: " + digest.error().message()));
    if (*digest != digests[i])
      return Status(ION_E_CORRUPT, fmt::format("log {}: the copy is not what was copied: {}, wanted {}", names[i], words(*digest), words(digests[i])));
    seen.log = names[i], ++seen.logs, seen.batches += digest->batches, seen.bytes += digest->bytes;
    compared(seen);
  }
  return progress;
}

Status StorageCopy::clear() {
  ION_TRY(const std::vector<std::string> names, logs_of(*this, to));
  for (const std::string& name : names) ION_CHECK(ask([&](Op& op) { return to.remove(op, name); }).status);
  return {};
}

}  // namespace ion
