#include "sim/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ion::sim {

std::string value_of(RecordName name, size_t bytes) {
  std::string value = fmt::format("{}|{}|", name.text(), bytes);
  value.resize(std::max(value.size(), bytes), static_cast<char>('a' + (name.producer + name.number) % 26));
  return value;
}

std::optional<RecordName> name_in(std::string_view value) {
  RecordName name;
  size_t bytes = 0;
  const auto number = [&value](auto& to, char before) {
    if (value.empty() || value.front() != before) return false;
    const auto [end, wrong] = std::from_chars(value.data() + 1, value.data() + value.size(), to);
    value.remove_prefix(static_cast<size_t>(end - value.data()));
    return wrong == std::errc();
  };
  const std::string_view whole = value;
  if (!number(name.producer, 'p') || !number(name.number, '#') || !number(bytes, '|')) return std::nullopt;
  return value_of(name, bytes) == whole ? std::optional(name) : std::nullopt;
}

void History::fail(std::string what) {
  if (wrong_.empty()) wrong_ = std::move(what);
}

void History::log_is(uint64_t id, std::string name, Durability durability) {
  Log& log = logs_[id];
  log.name = std::move(name), log.durability = durability;
}

void History::put(Log& log, int64_t offset, RecordName record, const char* who) {
  if (offset < 0) return fail(fmt::format("{}: {} {} at offset {}", log.name, who, record.text(), offset));
  const auto [at, is_new] = log.records.try_emplace(offset, record);
  if (!is_new && at->second != record) return fail(fmt::format("{}@{}: {} {}, but it was {} before", log.name, offset, who, record.text(), at->second.text()));
  const auto [where, first] = log.offsets.try_emplace(record, offset);
  if (!first && where->second != offset) return fail(fmt::format("{}: {} {} at offset {}, but it was at {} before", log.name, who, record.text(), offset, where->second));
  if (is_new) check_order(log, offset, record);
}

void History::check_order(Log& log, int64_t offset, RecordName record) {
  const auto at = log.offsets.find(record);
  const auto after = std::next(at);
  const auto says = [&](const auto& other) { return fmt::format("{}: {} is at {}, and {} at {}: not in the order of sending", log.name, record.text(), offset, other->first.text(), other->second); };
  if (at != log.offsets.begin() && std::prev(at)->first.producer == record.producer && std::prev(at)->second > offset) fail(says(std::prev(at)));
  if (after != log.offsets.end() && after->first.producer == record.producer && after->second < offset) fail(says(after));
}

void History::acknowledged(uint64_t id, int64_t offset, RecordName record) {
  ++acknowledgements_;
  const auto at = logs_.find(id);
  if (at == logs_.end()) return fail(fmt::format("an acknowledgement of {} names log {}, which is none", record.text(), id));
  put(at->second, offset, record, "acknowledged was");
  if (told_) told_(id, offset);
}

void History::read(uint64_t id, int64_t offset, std::string_view value) {
  ++records_read_;
  Log& log = logs_.at(id);
  const auto record = name_in(value);
  if (!record) return fail(fmt::format("{}@{}: was read a record that nobody sent: \"{}\"", log.name, offset, value.substr(0, 40)));
  put(log, offset, *record, "read was");
}

void History::bounds(uint64_t id, int64_t start, int64_t end) {
  Log& log = logs_.at(id);
  if (log.may_shrink) {
    log.may_shrink = false;
    for (auto at = log.records.lower_bound(end); at != log.records.end(); at = log.records.erase(at)) log.offsets.erase(at->second);
    log.end = std::min(log.end, end), log.start = std::min(log.start, end);
  }
  if (start < log.start) fail(fmt::format("{}: begins at {}, but it began at {} before", log.name, start, log.start));
  if (end < log.end) fail(fmt::format("{}: ends at {}, but it ended at {} before", log.name, end, log.end));
  if (start > end) fail(fmt::format("{}: begins at {} and ends at {}", log.name, start, end));
  if (!log.records.empty() && log.records.rbegin()->first >= end && log.records.rbegin()->first >= start)
    fail(fmt::format("{}: ends at {}, but {} was told to be at {}", log.name, end, log.records.rbegin()->second.text(), log.records.rbegin()->first));
  log.start = std::max(log.start, start), log.end = std::max(log.end, end);
}

void History::scanned(const Scan& scan) {
  const Log& log = logs_.at(scan.log);
  if (!scan.damaged.empty() && !log.damaged)
    fail(fmt::format("{}: [{}, {}) is called damaged, and nobody touched it", log.name, scan.damaged.front().first, scan.damaged.front().second));
  for (const auto& [from, upto] : scan.holes) {
    const bool excused = std::any_of(scan.damaged.begin(), scan.damaged.end(), [&](const auto& d) { return d.first <= from && upto <= d.second; });
    if (!excused) fail(fmt::format("{}: nothing is at [{}, {}), and what follows was read", log.name, from, upto));
  }
}

void History::power_was_cut() {
  for (auto& [id, log] : logs_) log.may_shrink |= log.durability == Durability::kOs;
}

void History::was_damaged(uint64_t id) { logs_.at(id).damaged = true; }

std::optional<RecordName> History::any_record(uint64_t id, uint64_t random, size_t among) const {
  const Log& log = logs_.at(id);
  const auto there = static_cast<size_t>(std::distance(log.records.lower_bound(log.start), log.records.end()));
  if (there == 0) return std::nullopt;
  return std::prev(log.records.end(), static_cast<std::ptrdiff_t>(1 + random % std::min(there, among)))->second;
}

}  // namespace ion::sim
