// What clients were told, and whether all of it can be true together. It knows nothing of the broker but its promises:
//   an offset of a log has one record for ever, and a record of an idempotent producer one offset
//   records of one producer stand in a log in the order in which it sent them
//   what was acknowledged or read stays, until the log start has passed it; log start and high watermark never go back
//   a log that is not compacted has no holes, and what is damaged is called so
// After a power cut a log with durability=os may end earlier, and begins again to count there.
// The first thing that is wrong is kept; later ones may only follow from it. Thread: one.
#pragma once
#include <ion/ids.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ion::sim {

struct RecordName {
  uint32_t producer = 0, number = 0;
  auto operator<=>(const RecordName&) const = default;
  std::string text() const { return "p" + std::to_string(producer) + "#" + std::to_string(number); }
};
// The value of a record says its name, and the rest of it follows from that.
std::string value_of(RecordName name, size_t bytes);
std::optional<RecordName> name_in(std::string_view value);

enum class Durability { kFsync, kOs };

class History {
 public:
  void log_is(uint64_t log, std::string name, Durability durability);
  void acknowledged(uint64_t log, int64_t offset, RecordName record);
  void when_acknowledged(std::function<void(uint64_t log, int64_t offset)> told) { told_ = std::move(told); }
  // One record of an answer. Its bytes are looked at too.
  void read(uint64_t log, int64_t offset, std::string_view value);
  // Log start and high watermark, as the broker said them.
  void bounds(uint64_t log, int64_t start, int64_t end);
  // What came of reading a log from end to end: what was passed over, and what of that the broker called damaged. Both as [from, upto).
  using Ranges = std::vector<std::pair<int64_t, int64_t>>;
  struct Scan {
    uint64_t log = 0;
    Ranges holes, damaged;
  };
  void scanned(const Scan& scan);
  // The machine lost its power: what durability=os promised is void until the next bounds().
  void power_was_cut();
  // Somebody damaged the files of this log: it may call itself so.
  void was_damaged(uint64_t log);
  bool is_damaged(uint64_t log) const { return logs_.at(log).damaged; }
  // One that was acknowledged or read and is not deleted yet: of the last `among` of its log.
  std::optional<RecordName> any_record(uint64_t log, uint64_t random, size_t among) const;

  void fail(std::string what);
  const std::string& wrong() const { return wrong_; }
  uint64_t acknowledgements() const { return acknowledgements_; }
  uint64_t records_read() const { return records_read_; }

 private:
  struct Log {
    std::string name;
    Durability durability = Durability::kFsync;
    int64_t start = 0, end = 0;
    bool may_shrink = false, damaged = false;
    std::map<int64_t, RecordName> records;
    std::map<RecordName, int64_t> offsets;
  };
  void put(Log& log, int64_t offset, RecordName record, const char* who);
  void check_order(Log& log, int64_t offset, RecordName record);

  std::map<uint64_t, Log> logs_;
  std::function<void(uint64_t, int64_t)> told_;
  std::string wrong_;
  uint64_t acknowledgements_ = 0, records_read_ = 0;
};

}  // namespace ion::sim
