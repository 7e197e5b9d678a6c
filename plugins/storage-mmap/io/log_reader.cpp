#include "io/log_reader.h"

#include <algorithm>

namespace ion::storage_mmap {

namespace {
constexpr int kPrepareTriesMax = 64;
constexpr uint64_t kCheckAhead = uint64_t{1} << 20;  // a cold reader reads on
}  // namespace

std::optional<LogReader::Found> LogReader::find(const ReadBounds& bounds) {
  const Offset next = state_.next();  // before the list: what lies below it is in the list
  const SegmentsNow list = state_.segments();
  if (bounds.from < list->first() || bounds.from > next)
    return Found{Status(ION_E_OUT_OF_RANGE, "offset " + std::to_string(bounds.from.v) + " is outside of log " + state_.name + ", which is [" +
                                                std::to_string(list->first().v) + ", " + std::to_string(next.v) + ")"),
                 {}, {}, {}};
  if (const Damage* bad = list->damage_at(bounds.from); bad != nullptr) return Found{corrupt(state_.name, bad->range), bad->range.from, bad->range.upto, {}};
  const SegmentRef segment = list->find(bounds.from);
  if (segment == nullptr) return Found{{}, bounds.from, bounds.from, {}};
  return find_in(list, segment, bounds);
}

std::optional<LogReader::Found> LogReader::find_in(const SegmentsNow& list, const SegmentRef& segment, const ReadBounds& bounds) {
  const std::shared_ptr<SegmentBody> body = segment->body();
  if (body == nullptr) return std::nullopt;
  if (!segment->read_lately.load(std::memory_order_relaxed)) segment->read_lately.store(true, std::memory_order_relaxed);
  const Result<ReadWindow> window = segment->window(*body, bounds, list->readable(*segment, bounds.from));
  if (!window) {
    // Checking will tell what is wrong.
    if (body->checked != nullptr && window.error().code() == ION_E_CORRUPT) return std::nullopt;
    return Found{window.error(), {}, {}, {}};
  }
  if (window->bytes == 0) {
    // In an unchecked segment "nothing" may be a lie of a damaged header: look once more after checking.
    if (body->checked != nullptr && !body->is_checked(0, segment->end())) {
      const size_t entry = body->index.floor_of(bounds.from);
      if (entry != kNoEntry && body->checked[entry].load(std::memory_order_acquire) == 0) return std::nullopt;
    }
    return Found{{}, bounds.from, bounds.from, {}};
  }
  if (!body->is_checked(window->at, window->bytes)) return std::nullopt;
  Result<Buf> lease = ReadMap::lease(body->map, window->at, window->bytes);
  if (!lease) return Found{lease.error(), {}, {}, {}};
  context_.metrics.read(window->bytes);
  return Found{{}, window->base, window->next, *std::move(lease)};
}

LogReader::Found LogReader::wait_for(const ReadBounds& bounds) {
  for (int i = 0; i < kPrepareTriesMax; ++i) {
    if (std::optional<Found> found = find(bounds)) return *std::move(found);
    if (Status ready = prepare(bounds); !ready.ok()) return {std::move(ready), {}, {}, {}};
  }
  return {Status(ION_E_OVERLOADED, "log " + state_.name + ": its segments are closed quicker than they are read; raise open_segments_max"), {}, {}, {}};
}

void LogReader::answer_slowly(Later later, const ReadBounds& bounds) {
  Found found = wait_for(bounds);
  if (!found.status.ok()) return later.fail(found.status, static_cast<uint64_t>(found.base.v), static_cast<uint64_t>(found.next.v));
  const std::span<Buf> bufs(&found.bytes, found.bytes.empty() ? 0 : 1);
  later.ok(static_cast<uint64_t>(found.base.v), static_cast<uint64_t>(found.next.v), bufs);
}

Status LogReader::prepare(const ReadBounds& bounds) {
  const SegmentsNow list = state_.segments();
  const SegmentRef segment = list->find(bounds.from);
  if (segment == nullptr) return {};
  const std::shared_ptr<SegmentBody> body = segment->body();
  if (body == nullptr) return load(segment);
  if (body->checked == nullptr) return {};
  const size_t entry = body->index.floor_of(bounds.from);
  const uint64_t at = entry == kNoEntry ? 0 : body->index.at(entry).position;
  const uint64_t end = std::min(list->readable(*segment, bounds.from).end, segment->end());
  if (at >= end) return {};
  // The read begins somewhere before the next entry, and goes on from there.
  const size_t behind = entry == kNoEntry ? 0 : entry + 1;
  const uint64_t begins_below = behind < body->index.size() ? std::max(at, body->index.at(behind).position) : end;
  const uint64_t from_there = std::max(bounds.bytes_max, kCheckAhead);
  const uint64_t wanted = begins_below >= end || from_there >= end - begins_below ? end - at : begins_below + from_there - at;
  if (body->is_checked(at, wanted)) return {};
  ION_TRY(const CheckedStretch checked, check_stretch(context_, state_, *segment, *body, at, wanted));
  if (!state_.has(segment)) return {};  // replaced: the file that was checked may be another one
  publish(checked.damage);              // before the stretch counts as checked
  body->set_checked(checked.first_entry, checked.last_entry);
  return {};
}

Status LogReader::load(const SegmentRef& segment) {
  if (segment->body() != nullptr) return {};
  ION_TRY(const std::vector<Damage> damage, load_segment(context_, state_, segment));
  publish(damage);
  if (segment->body() != nullptr) context_.cache.add(segment);
  return {};
}

void LogReader::publish(const std::vector<Damage>& damage) {
  if (damage.empty()) return;
  const SegmentsNow known = state_.segments();
  for (const Damage& d : damage) {
    if (known->is_below(d)) continue;
    context_.metrics.found_damage();
    context_.ports.logger.error("damage", {{"log", state_.name}, {"what", corrupt(state_.name, d.range).message()}});
  }
  state_.change_segments([&](const SegmentList& list) { return list.with_damage(damage); });
  state_.note_damage();
}

Status LogReader::corrupt(const std::string& log, const BadRange& bad) {
  return {ION_E_CORRUPT, "log " + log + ": offsets " + std::to_string(bad.from.v) + " to " + std::to_string(bad.upto.v) + " cannot be read (" +
                             std::string(fault_text(bad.why)) + "); the rest can: read on from offset " + std::to_string(bad.upto.v)};
}

Result<SegmentSummary> LogReader::summary_at(const SegmentRef& segment, Offset upto) {
  if (segment->body() == nullptr) {
    ION_TRY(const std::vector<Damage> damage, load_segment(context_, state_, segment));
    context_.cache.add(segment);
    publish(damage);
    if (!damage.empty()) return corrupt(state_.name, damage.front().range);
  }
  const std::shared_ptr<SegmentBody> body = segment->body();
  if (body == nullptr) return Status(ION_E_OVERLOADED, "too many segments are open");
  const SegmentSummary whole = segment->summary();
  size_t entry = body->index.floor_of(upto);
  {
    const size_t from = entry == kNoEntry || entry == 0 ? 0 : entry - 1, behind = entry == kNoEntry ? 0 : entry + 1;
    const uint64_t at = from == 0 ? 0 : body->index.at(from).position;
    const uint64_t end = behind < body->index.size() ? body->index.at(behind).position + batch::kHeaderBytes : whole.end;
    ION_CHECK(ReadMap::bring_in(body->map, at, std::min(end, whole.end) - at));
  }
  if (entry != kNoEntry) {  // one less when its own batch goes: an entry does not say where the batch before it ended
    const auto frame = frame_at(body->map->bytes().first(whole.end), body->index.at(entry).position);
    if (frame && frame->next > upto) entry = entry == 0 ? kNoEntry : entry - 1;
  }
  const Checkpoint from = entry == kNoEntry ? Checkpoint{segment->base(), 0, digest_seed(segment->base())} : body->index.at(entry);
  SegmentTracker tracker({segment->base(), from.offset, from.position, from.digest, whole.epoch, whole.time_max}, UINT64_MAX);
  const std::span<const uint8_t> bytes = body->map->bytes().first(whole.end);
  while (tracker.position() < whole.end) {
    const auto frame = frame_at(bytes, tracker.position());
    if (!frame || frame->base < tracker.next())
      return Status(ION_E_CORRUPT, "log " + state_.name + ": no batch at byte " + std::to_string(tracker.position()));
    if (frame->next > upto) break;
    const uint8_t* raw = bytes.data() + tracker.position();
    tracker.add(raw, batch::read_header(raw));
  }
  SegmentSummary cut = tracker.summary();
  cut.time_max = whole.time_max;  // an upper bound is enough, of these too
  cut.first_append = whole.first_append, cut.last_append = whole.last_append;
  return cut;
}

std::shared_ptr<SegmentBody> LogReader::body_below(const Segment& segment, uint64_t end) {
  const std::shared_ptr<SegmentBody> whole = segment.body();
  if (whole == nullptr) return nullptr;  // closed again meanwhile: it is opened when it is read
  auto below = std::make_shared<SegmentBody>(whole->map, whole->index.entries_below(end));
  if (whole->checked == nullptr) return below;
  const size_t n = below->index.size();
  below->start_checking();
  for (size_t i = 0; i < n; ++i) below->checked[i].store(whole->checked[i].load());
  return below;
}

}  // namespace ion::storage_mmap
