#include "io/scrubber.h"

#include "io/segment_loader.h"

#include <ion/continuation.h>

#include <algorithm>
#include <utility>

namespace ion::storage_mmap {

namespace {
constexpr ShardId kShard{0};
constexpr Nanos kFirstLook = seconds(60), kLookPauseMax = seconds(3600), kBusyPause = seconds(1);
constexpr uint64_t kPieceMin = uint64_t{64} << 10, kPieceMax = uint64_t{1} << 20;
}  // namespace

void Scrubber::start() {
  if (context_.config.scrub_bytes_per_second == 0) return;
  {
    const std::lock_guard lock(mutex_);
    started_ = true;
  }
  context_.outstanding->add();
  arm(std::min(kFirstLook, context_.config.scrub_period));
}

void Scrubber::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (!started_ || std::exchange(stopped_, true)) return;
  }
  context_.outstanding->add();
  // Timers are ended where they fire.
  const StoragePorts& ports = context_.ports;
  const Status given = go_on_at({ports.executor, ports.timers, ports.clock}, kShard, Hop::kPost, [this, outstanding = context_.outstanding] {
    TimerHandle armed = nullptr;
    {
      const std::lock_guard lock(mutex_);
      armed = std::exchange(timer_, nullptr);
    }
    if (armed != nullptr && context_.ports.timers.disarm(armed)) end();
    outstanding->remove();
  });
  if (!given.ok()) context_.outstanding->remove();
}

void Scrubber::add(const std::string& log, const std::shared_ptr<LogCore>& core) {
  const std::lock_guard lock(mutex_);
  logs_[log] = core;
}

void Scrubber::remove(const std::string& log) {
  const std::lock_guard lock(mutex_);
  logs_.erase(log);
}

// ---- the chain of timers and jobs

// The lock is held until the handle is kept: it may fire at once.
void Scrubber::arm(Nanos after) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopped_) {
      const auto armed = context_.ports.timers.arm(kShard, context_.ports.clock.now() + after, &Scrubber::fired, this);
      if (armed) {
        timer_ = *armed;
        return;
      }
      context_.ports.logger.warn("sealed segments are not looked at any more until a restart", {{"why", armed.error().text()}});
    }
  }
  end();
}

void Scrubber::end() {
  reading_.reset();
  const std::shared_ptr<Outstanding> outstanding = context_.outstanding;
  outstanding->remove();  // nothing of the instance is touched afterwards
}

void Scrubber::fired(void* self) noexcept {
  auto& scrubber = *static_cast<Scrubber*>(self);
  bool stopped = false;
  {
    const std::lock_guard lock(scrubber.mutex_);
    scrubber.timer_ = nullptr;
    stopped = scrubber.stopped_;
  }
  if (stopped) return scrubber.end();
  if (!scrubber.context_.jobs.post([&scrubber] { scrubber.step(); }).ok()) scrubber.arm(kBusyPause);
}

void Scrubber::step() {
  Nanos pause{};
  if (reading_ == nullptr) {
    if (auto due = next_due(pause)) begin(*std::move(due));
  }
  if (reading_ != nullptr) pause = read_on();
  arm(pause);
}

// ---- what is due

std::optional<Scrubber::Due> Scrubber::next_due(Nanos& pause) {
  const int64_t now = context_.ports.clock.wall().ms, period = context_.config.scrub_period.n / 1'000'000;
  int64_t earliest = now + kLookPauseMax.n / 1'000'000;
  const std::lock_guard lock(mutex_);
  auto at = logs_.lower_bound(cursor_);
  for (size_t i = 0; i < logs_.size(); ++i, ++at) {
    if (at == logs_.end()) at = logs_.begin();
    const std::shared_ptr<LogCore> log = at->second.lock();
    if (log == nullptr) continue;
    const SegmentsNow list = log->state().segments();
    for (size_t k = 0; k + 1 < list->segments().size(); ++k) {
      const SegmentRef& segment = list->segments()[k];
      const bool known = std::any_of(list->damage().begin(), list->damage().end(), [&](const Damage& d) { return d.segment == segment->base(); });
      if (segment->end() == 0 || known) continue;
      const int64_t due = std::max(segment->looked_at_ms.load(std::memory_order_relaxed), segment->summary().last_append.ms) + period;
      if (due <= now) {
        cursor_ = at->first;
        return Due{log, segment};
      }
      earliest = std::min(earliest, due);
    }
  }
  pause = milliseconds(std::max<int64_t>(1, earliest - now));
  return std::nullopt;
}

void Scrubber::begin(Due due) {
  Files& files = context_.ports.files;
  const LogState& state = due.log->state();
  due.segment->looked_at_ms.store(context_.ports.clock.wall().ms, std::memory_order_relaxed);
  const SegmentSummary promised = due.segment->summary();
  const std::string path = state.directory.segment(promised.base);
  const auto missing = [&] { found(*due.log, due.segment, {{{promised.base, promised.next, 0, promised.end, Fault::kMissing}, promised.base}}); };
  Result<std::unique_ptr<File>> file = files.open(path, ION_FILE_READ);
  if (!file && file.error().code() == ION_E_NOT_FOUND) return missing();
  const Result<uint64_t> length = file ? (*file)->length() : Result<uint64_t>(file.error());
  if (!length) return context_.ports.logger.error("a segment cannot be looked at", {{"log", state.name}, {"segment", path}, {"why", length.error().text()}});
  if (*length < promised.end) return missing();
  const Result<std::vector<uint8_t>> raw = read_file(files, state.directory.index(promised.base), kIndexHeaderBytes + kIndexEntriesMax * kIndexEntryBytes);
  const Result<SegmentIndex> index = raw ? decode_index(state.owner, promised.base, *raw) : Result<SegmentIndex>(raw.error());
  const bool agrees = index && index->summary.end == promised.end && index->summary.digest == promised.digest;
  ScanSpec spec{{promised.base, promised.base, 0, digest_seed(promised.base), Epoch{-1}, WallMs{-1}}, promised.end, Offset{INT64_MAX}, UINT64_MAX, {}};
  spec.durable = promised.end;
  if (agrees) spec.checkpoints = index->entries;
  spec.checkpoints.push_back({promised.next, promised.end, promised.digest});
  reading_ = std::make_unique<Reading>(Reading{std::move(due.log), std::move(due.segment), promised, path, *std::move(file), RecordScan(std::move(spec)), promised.end});
}

// ---- one piece

Nanos Scrubber::read_on() {
  Reading& r = *reading_;
  const uint64_t rate = context_.config.scrub_bytes_per_second;
  if (!r.log->state().has(r.segment) || r.log->is_closing()) return reading_.reset(), Nanos{};
  uint64_t bytes = 0;
  if (const auto want = r.scan.wants()) {
    bytes = std::min(std::max(want->n, std::clamp(rate / 4, kPieceMin, kPieceMax)), r.limit - want->at);
    window_.resize(bytes);
    if (const Status read = read_exactly(*r.file, want->at, window_, r.path); !read.ok()) {
      context_.ports.logger.error("a segment cannot be looked at", {{"log", r.log->state().name}, {"segment", r.path}, {"why", read.text()}});
      return reading_.reset(), Nanos{};
    }
    context_.metrics.scrubbed(bytes);
    r.scan.feed(window_);
  }
  if (!r.scan.wants()) {
    const std::unique_ptr<Reading> done = std::move(reading_);
    std::vector<uint8_t>().swap(window_);
    const std::vector<Damage> damage = damage_of(std::move(done->scan).finish(), done->promised);
    if (damage.empty()) done->segment->trust();
    else found(*done->log, done->segment, damage);
  }
  return Nanos{static_cast<int64_t>(static_cast<unsigned __int128>(bytes) * 1'000'000'000 / rate)};
}

// Of a segment that was replaced or deleted meanwhile it is nobody's loss.
void Scrubber::found(LogCore& log, const SegmentRef& segment, const std::vector<Damage>& damage) {
  if (log.state().has(segment) && !log.is_closing()) log.met_damage(damage);
}

}  // namespace ion::storage_mmap
