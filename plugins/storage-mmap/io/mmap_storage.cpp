#include "io/mmap_storage.h"

#include "io/directory_layout.h"
#include "io/mmap_log.h"
#include "io/segment_file.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace ion::storage_mmap {

namespace {
// Identity file: 'IONSTOR1' | UUID 16 | CRC 4
constexpr std::array<uint8_t, 8> kIdentityMagic{'I', 'O', 'N', 'S', 'T', 'O', 'R', '1'};
constexpr size_t kIdentityBytes = 28;
constexpr std::string_view kIdentityNew = "identity.new";

std::array<uint8_t, kIdentityBytes> encode_identity(const Uuid& uuid) {
  std::array<uint8_t, kIdentityBytes> bytes{};
  std::copy(kIdentityMagic.begin(), kIdentityMagic.end(), bytes.begin());
  std::copy(uuid.bytes.begin(), uuid.bytes.end(), bytes.begin() + 8);
  batch::store_big<uint32_t>(bytes.data() + 24, crc32c::of(std::span<const uint8_t>(bytes).first(24)));
  return bytes;
}
Result<Uuid> decode_identity(std::span<const uint8_t> bytes) {
  if (bytes.size() != kIdentityBytes || !std::equal(kIdentityMagic.begin(), kIdentityMagic.end(), bytes.begin()) ||
      batch::load_big<uint32_t>(bytes.data() + 24) != crc32c::of(bytes.first(24)))
    return Status(ION_E_CORRUPT, "the file `identity` of the data directory is not as it was written (" + std::to_string(bytes.size()) + " bytes, wanted 28 with their CRC): put it back from a backup");
  Uuid uuid;
  std::copy_n(bytes.begin() + 8, 16, uuid.bytes.begin());
  return uuid;
}
Status in_directory(Status why, std::string_view what) {
  return why.ok() ? why : Status(why.code(), "the data directory " + std::string(what) + ": " + why.message());
}
}  // namespace

MmapStorage::MmapStorage(const StoragePorts& ports, const StorageMmapConfig& config, StorageMetrics metrics)
    : metrics_(std::move(metrics)), context_(ports, config, metrics_) {}

Status MmapStorage::start() {
  ION_CHECK(take_lock());
  ION_CHECK(in_directory(context_.ports.files.make_dir(kLogsPath), "cannot be written"));
  ION_CHECK(know_identity());
  ION_TRY(context_.marks, MarkFile::open(context_.ports.files, context_.identity));
  if (context_.marks->garbled() > 0)
    context_.ports.logger.warn("mark slots that do not prove themselves", {{"slots", std::to_string(context_.marks->garbled())}});
  ION_CHECK(remove_leftovers());
  {
    const std::lock_guard lock(mutex_);
    started_ = true;
  }
  scrubber_.start();
  return {};
}

Status MmapStorage::take_lock() {
  Result<std::unique_ptr<File>> lock =
      context_.ports.files.open(kLockPath, ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE | ION_FILE_LOCK);
  if (lock) {
    lock_ = *std::move(lock);
    return {};
  }
  const bool busy = lock.error().code() == ION_E_BUSY;
  return in_directory(lock.error(), busy ? "is in use by another process" : "cannot be written");
}

Status MmapStorage::know_identity() {
  Files& files = context_.ports.files;
  const Result<std::vector<uint8_t>> there = read_file(files, std::string(kIdentityPath), 4096);
  if (there) {
    ION_TRY(context_.identity, decode_identity(*there));
    return {};
  }
  if (there.error().code() != ION_E_NOT_FOUND) return there.error();
  // It was made before the first log. Without it no file proves whose it is, and a new one would disown them all.
  ION_TRY(const std::vector<DirEntry> entries, files.list(kLogsPath));
  const auto logs = std::count_if(entries.begin(), entries.end(), [](const DirEntry& e) { return e.directory && log_of_directory(e.name); });
  if (logs > 0)
    return {ION_E_CORRUPT, "the data directory has " + std::to_string(logs) + " logs, but no file `identity`: put it back from a backup, or start with an empty directory"};
  const uint64_t hi = context_.ports.random.u64(), lo = context_.ports.random.u64();
  const Uuid made = Uuid::random(hi, lo);
  ION_CHECK(in_directory(write_file(files, std::string(kIdentityNew), encode_identity(made)), "cannot be written"));
  ION_CHECK(files.rename(kIdentityNew, kIdentityPath));
  ION_CHECK(files.sync_dir("."));
  context_.identity = made;
  return {};
}

// Logs whose removal was interrupted, and marks of logs that are gone. A directory without a mark is a log whose creation was
// interrupted, or whose mark was lost: it stays.
Status MmapStorage::remove_leftovers() {
  ION_CHECK(remove_if_there(context_.ports.files, std::string(kSpaceProbePath)));
  ION_TRY(const std::vector<DirEntry> entries, context_.ports.files.list(kLogsPath));
  std::vector<std::string> logs;
  for (const DirEntry& e : entries) {
    if (const auto log = log_of_directory(e.name)) logs.push_back(*log);
    if (is_gone(e.name)) ION_CHECK(remove_directory(std::string(kLogsPath) + "/" + e.name));
  }
  std::sort(logs.begin(), logs.end());
  ION_CHECK(context_.ports.files.sync_dir(kLogsPath));
  context_.known_directories.add(logs);
  return context_.marks->forget_unless([&](const std::string& log) { return std::binary_search(logs.begin(), logs.end(), log); });
}

Answer MmapStorage::drain(Op& op) {
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
  }
  scrubber_.stop();
  return context_.outstanding->when_none(op);
}

Status MmapStorage::serving() const {
  const std::lock_guard lock(mutex_);
  if (!started_ || draining_) return {ION_E_CLOSED, started_ ? "storage-mmap is draining" : "storage-mmap has not started"};
  return {};
}

Status MmapStorage::take_name(const std::string& log, std::string_view what_for) {
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = taken_.try_emplace(log, what_for);
  if (is_new) return {};
  return {ION_E_BUSY, "log " + log + " is " + at->second};
}

void MmapStorage::let_go(const std::string& log) {
  context_.probe.forget(log);
  scrubber_.remove(log);
  const std::lock_guard lock(mutex_);
  taken_.erase(log);
}

Answer MmapStorage::open(Op& op, std::string_view log, const OpenOptions& options, std::unique_ptr<Log>* out) {
  if (const Status s = serving(); !s.ok()) return op.refuse(s);
  if (const Status s = check_log_name(log); !s.ok()) return op.refuse(s);
  if (options.segment_bytes > kSegmentBytesMax)
    return op.refuse(Status(ION_E_INVALID, "segment_bytes " + std::to_string(options.segment_bytes) + ": at most " + std::to_string(kSegmentBytesMax)));
  std::string name(log);
  if (const Status s = take_name(name, "open"); !s.ok()) return op.refuse(s);
  const bool given = context_.jobs.answer(op.later(), [this, name, options, out](Later l) { open_slowly(std::move(l), name, options, out); });
  if (!given) let_go(name);
  return op.pending();
}

void MmapStorage::open_slowly(Later later, const std::string& log, const OpenOptions& options, std::unique_ptr<Log>* out) {
  auto core = std::make_shared<LogCore>(context_, log, owner_of(context_.identity, log), options, [this, log] { let_go(log); });
  if (const Status opened = core->open(options.existing ? IfMissing::kRefuse : IfMissing::kMake); !opened.ok()) {
    let_go(log);
    return later.fail(opened);
  }
  scrubber_.add(log, core);
  *out = std::make_unique<MmapLog>(std::move(core));
  later.ok();
}

Answer MmapStorage::list(Op& op, std::string_view prefix, EachName each) {
  if (const Status s = serving(); !s.ok()) return op.refuse(s);
  (void)context_.jobs.answer(op.later(), [this, wanted = std::string(prefix), e = std::move(each)](Later l) { list_slowly(std::move(l), wanted, e); });
  return op.pending();
}

void MmapStorage::list_slowly(Later later, const std::string& prefix, const EachName& each) {
  const Result<std::vector<DirEntry>> entries = context_.ports.files.list(kLogsPath);
  if (!entries) return later.fail(entries.error());
  std::vector<std::string> names;
  for (const DirEntry& e : *entries)
    if (const auto log = log_of_directory(e.name); log && log->starts_with(prefix)) names.push_back(*log);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const Result<std::vector<DirEntry>> files = context_.ports.files.list(LogDirectory(name).path());
    if (!files) continue;  // removed meanwhile
    uint64_t bytes = 0;
    for (const DirEntry& e : *files) bytes += e.bytes;
    each(name, bytes);
  }
  later.ok(names.size());
}

Answer MmapStorage::remove(Op& op, std::string_view log) {
  if (const Status s = serving(); !s.ok()) return op.refuse(s);
  if (const Status s = check_log_name(log); !s.ok()) return op.refuse(s);
  std::string name(log);
  if (const Status s = take_name(name, "being removed"); !s.ok()) return op.refuse(s);
  const bool given = context_.jobs.answer(op.later(), [this, name](Later l) {
    const Status removed = remove_slowly(name);
    let_go(name);
    if (removed.ok()) l.ok();
    else l.fail(removed);
  });
  if (!given) let_go(name);
  return op.pending();
}

// Out of the way by one rename, which is the moment of removal; the files follow.
Status MmapStorage::remove_slowly(const std::string& log) {
  Files& files = context_.ports.files;
  std::string gone;
  {
    const std::lock_guard lock(mutex_);
    gone = gone_path(next_gone_++);
  }
  context_.known_directories.forget(log);
  const Status renamed = files.rename(LogDirectory(log).path(), gone);
  if (renamed.code() == ION_E_NOT_FOUND) return {ION_E_NOT_FOUND, "there is no log " + log};
  ION_CHECK(renamed);
  ION_CHECK(files.sync_dir(kLogsPath));
  ION_CHECK(context_.marks->forget(log));
  if (const Status removed = remove_directory(gone); !removed.ok())
    context_.ports.logger.warn("removed log left files behind", {{"log", log}, {"why", removed.text()}});  // until the next start
  return {};
}

Status MmapStorage::remove_directory(const std::string& path) {
  Files& files = context_.ports.files;
  ION_TRY(const std::vector<DirEntry> entries, files.list(path));
  for (const DirEntry& e : entries) ION_CHECK(files.remove(path + "/" + e.name));
  return files.remove(path);
}

Answer MmapStorage::space(Op& op) {
  if (const Status s = serving(); !s.ok()) return op.refuse(s);
  (void)context_.jobs.answer(op.later(), [this](Later l) {
    const Status probed = context_.probe.run(context_.ports.files, context_.space_rules());
    if (probed.ok()) l.ok();
    else l.fail(probed);
  });
  return op.pending();
}

Result<Uuid> MmapStorage::identity() {
  ION_CHECK(serving());
  return context_.identity;
}

}  // namespace ion::storage_mmap
