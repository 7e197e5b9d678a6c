#include "io/segment_loader.h"

#include <algorithm>
#include <memory>

namespace ion::storage_mmap {

namespace {
constexpr uint64_t kReadBytesMin = uint64_t{64} << 10, kReadBytesMax = uint64_t{1} << 20;  // most files of segments end soon
}  // namespace

std::vector<Damage> damage_of(const ScanResult& scan, const SegmentSummary& promised) {
  std::vector<Damage> found;
  for (const BadRange& bad : scan.bad) found.push_back({bad, promised.base});
  if (scan.summary.end < promised.end)
    found.push_back({{scan.summary.next, promised.next, scan.summary.end, promised.end,
                      scan.end == Fault::kNone ? Fault::kMissing : scan.end}, promised.base});
  return found;
}

Result<ScanResult> scan_file(File& file, const std::string& path, ScanSpec spec) {
  const uint64_t limit = spec.limit;
  RecordScan scan(std::move(spec));
  std::vector<uint8_t> window;
  for (uint64_t ahead = kReadBytesMin; const auto want = scan.wants(); ahead = std::min(2 * ahead, kReadBytesMax)) {
    window.resize(std::min(std::max(want->n, ahead), limit - want->at));
    ION_CHECK(read_exactly(file, want->at, window, path));
    scan.feed(window);
  }
  return std::move(scan).finish();
}

Result<std::vector<Damage>> load_segment(StorageContext& context, const LogState& state, const SegmentRef& segment) {
  Files& files = context.ports.files;
  const SegmentSummary promised = segment->summary();
  const std::string path = state.directory.segment(promised.base);
  const std::vector<Damage> missing{{{promised.base, promised.next, 0, promised.end, Fault::kMissing}, promised.base}};
  Result<std::unique_ptr<File>> opened = files.open(path, ION_FILE_READ);
  if (!opened && opened.error().code() == ION_E_NOT_FOUND)  // cut while it was being opened, or taken away
    return state.has(segment) ? missing : std::vector<Damage>{};
  ION_TRY(const std::unique_ptr<File> file, std::move(opened));
  ION_TRY(const uint64_t length, file->length());
  if (length < promised.end) return state.has(segment) ? missing : std::vector<Damage>{};
  ION_TRY(std::unique_ptr<MappedFile> map, file->map(0, length));
  auto read_map = std::make_shared<ReadMap>(std::move(map), context.maps);

  const Result<std::vector<uint8_t>> raw =
      read_file(files, state.directory.index(promised.base), kIndexHeaderBytes + kIndexEntriesMax * kIndexEntryBytes);
  // Replaced while it was being opened: what was read is the file of another one. The list changes before any file does.
  if (!state.has(segment)) return std::vector<Damage>{};
  const Result<SegmentIndex> index = raw ? decode_index(state.owner, promised.base, *raw) : Result<SegmentIndex>(raw.error());
  if (index && index->summary.end == promised.end && index->summary.digest == promised.digest) {
    auto body = std::make_shared<SegmentBody>(std::move(read_map), index->entries);
    if (!segment->trusted()) body->start_checking();
    segment->offer_body(std::move(body));
    return std::vector<Damage>{};
  }
  // Without an index every batch is read, and the digest at the end must be the one that was promised.
  const SegmentSummary start{promised.base, promised.base, 0, digest_seed(promised.base), Epoch{-1}, WallMs{-1}};
  ION_TRY(const ScanResult scan, scan_file(*file, path, {start, promised.end, Offset{INT64_MAX}, context.config.index_interval,
                                                         {{promised.next, promised.end, promised.digest}}, promised.end}));
  std::vector<Damage> damage = damage_of(scan, promised);
  const std::lock_guard not_replaced_meanwhile(state.indexes_built_again);
  if (!state.has(segment)) return std::vector<Damage>{};
  segment->offer_body(std::make_shared<SegmentBody>(std::move(read_map), scan.entries));
  segment->trust();
  if (damage.empty()) {
    const Status written = write_file(files, state.directory.index(promised.base), encode_index(state.owner, {promised, scan.entries}));
    context.ports.logger.warn("index built again", {{"log", state.name}, {"segment", std::to_string(promised.base.v)}, {"written", written.text()}});
  }
  return damage;
}

Result<CheckedStretch> check_stretch(StorageContext& context, const LogState& state, const Segment& segment, const SegmentBody& body,
                                     uint64_t at, uint64_t bytes) {
  const SegmentSummary promised = segment.summary();
  const LiveIndex& index = body.index;
  ION_ASSERT(bytes > 0 && index.size() > 0);
  const size_t nearest = index.floor_of(at);
  const size_t first = nearest == kNoEntry ? 0 : nearest;
  const size_t last = std::max(first, index.floor_of(std::min(promised.end, at + bytes) - 1));
  const Checkpoint& from = index.at(first);
  ScanSpec spec{{promised.base, from.offset, from.position, from.digest, Epoch{-1}, WallMs{-1}}, promised.end, Offset{INT64_MAX}, UINT64_MAX, {}};
  spec.durable = promised.end;
  for (size_t i = first + 1; i <= last + 1 && i < index.size(); ++i) spec.checkpoints.push_back(index.at(i));
  if (last + 1 < index.size()) spec.limit = index.at(last + 1).position;
  else spec.checkpoints.push_back({promised.next, promised.end, promised.digest});
  const SegmentSummary stretch{promised.base, spec.checkpoints.back().offset, spec.limit, 0, Epoch{-1}, WallMs{-1}};
  const std::string path = state.directory.segment(promised.base);
  ION_TRY(const std::unique_ptr<File> file, context.ports.files.open(path, ION_FILE_READ));
  ION_TRY(const ScanResult scan, scan_file(*file, path, std::move(spec)));
  return CheckedStretch{damage_of(scan, stretch), first, last};
}

}  // namespace ion::storage_mmap
