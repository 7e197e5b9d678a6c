// What a start says while it opens many partitions: how many of them, and how much of what the storage holds for them, once a second.
// Thread: control shard.
#pragma once
#include <ion/ports.h>
#include <ion/time.h>

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace ion::cluster {

class OpeningProgress {
 public:
  OpeningProgress(Logger& logger, Clock& clock) : logger_(logger), clock_(clock) {}

  // The logs of the partitions, with their bytes.
  void begin(std::map<std::string, uint64_t, std::less<>> logs) {
    logs_ = std::move(logs);
    in_all_ = logs_.size(), bytes_in_all_ = 0;
    for (const auto& [name, bytes] : logs_) bytes_in_all_ += bytes;
    began_ = told_ = clock_.now();
  }
  // One that was opened, or could not be, for the first time; others do not count.
  void tried(std::string_view log) {
    const auto found = logs_.find(log);
    if (found == logs_.end()) return;
    ++done_, bytes_ += found->second;
    logs_.erase(found);
    const Instant now = clock_.now();
    const bool last = logs_.empty();
    if (last ? now - began_ < kEvery : now - told_ < kEvery) return;  // a quick start says nothing of it
    told_ = now;
    logger_.info(last ? "partitions were opened" : "partitions are being opened",
                 {{"partitions", fmt::format("{} of {}", done_, in_all_)},
                  {"gib", fmt::format("{:.1f} of {:.1f}", gib(bytes_), gib(bytes_in_all_))},
                  {"ms", std::to_string((now - began_).n / 1'000'000)}});
  }

 private:
  static constexpr Nanos kEvery = seconds(1);
  static double gib(uint64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(uint64_t{1} << 30); }
  Logger& logger_;
  Clock& clock_;
  std::map<std::string, uint64_t, std::less<>> logs_;  // not tried yet
  size_t in_all_ = 0, done_ = 0;
  uint64_t bytes_in_all_ = 0, bytes_ = 0;
  Instant began_, told_;
};

}  // namespace ion::cluster
