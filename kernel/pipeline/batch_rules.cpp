#include "pipeline/batch_rules.h"

#include <fmt/format.h>
#include <ion/record_reader.h>

#include <array>
#include <vector>

namespace ion::pipeline {

namespace {
int64_t ms_of(Nanos time) { return time.n / 1'000'000; }
constexpr WallMs kNoTime{-1};  // a record's, as Kafka writes it

// Milliseconds from `from` to `to`; those of a producer may be anything that 64 bits hold.
int64_t between(WallMs from, WallMs to) {
  int64_t ms = 0;
  if (!__builtin_sub_overflow(to.ms, from.ms, &ms)) return ms;
  return to.ms > from.ms ? INT64_MAX : INT64_MIN;
}

Status refusal(int32_t record, WallMs time, std::string_view topic, WallMs now, bool ahead, Nanos limit) {
  return {ION_E_INVALID,
          fmt::format("record {} of the batch has the timestamp {}, {} ms {} the clock of the broker ({}); topic {} takes at most {} ({})", record, time.ms,
                      ahead ? between(now, time) : between(time, now), ahead ? "ahead of" : "behind", now.ms, topic, ms_of(limit),
                      ahead ? "message.timestamp.after.max.ms" : "message.timestamp.before.max.ms"),
          "INVALID_TIMESTAMP"};
}
}  // namespace

Status check_batch_size(const cluster::TopicSettings& settings, std::string_view topic, uint64_t bytes) {
  if (settings.batch_bytes_max == 0 || bytes <= settings.batch_bytes_max) return {};
  return {ION_E_INVALID, fmt::format("record batch of {} bytes, topic {} takes at most {} (max.message.bytes)", bytes, topic, settings.batch_bytes_max), "RECORD_TOO_LARGE"};
}

TimeCheck check_times(const cluster::TopicSettings& settings, std::string_view topic, std::span<const ion_buf> plain, WallMs now) {
  std::array<uint8_t, batch::kHeaderBytes> raw;
  copy_out(plain, 0, raw.size(), raw.data());
  const batch::Header h = batch::read_header(raw.data());
  if (settings.append_time || h.max_time == kNoTime) return {};
  const auto& before = settings.time_before_max;
  const auto& after = settings.time_after_max;
  const auto is_ahead = [&](WallMs time) { return after && between(now, time) > ms_of(*after); };
  if (!before && !is_ahead(h.max_time)) return {};  // the greatest time was proved
  std::vector<uint8_t> joined(plain.size() > 1 ? bytes_in(plain) : 0);
  if (plain.size() > 1) copy_out(plain, 0, joined.size(), joined.data());
  auto reader = batch::RecordReader::open(plain.size() > 1 ? std::span<const uint8_t>(joined) : std::span<const uint8_t>(plain.front().p, plain.front().n));
  if (!reader) return {reader.error(), -1};
  for (int32_t i = 0;; ++i) {
    const auto record = reader->next();
    if (!record) return {record.error(), i};
    if (!*record) return {};
    const WallMs time = (*record)->time;
    if (time == kNoTime) continue;
    if (is_ahead(time)) return {refusal(i, time, topic, now, true, *after), i};
    if (before && between(time, now) > ms_of(*before)) return {refusal(i, time, topic, now, false, *before), i};
  }
}

}  // namespace ion::pipeline
