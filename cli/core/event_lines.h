// What the client library tells without being asked, as lines for stderr: of a topic with many partitions one cause may make hundreds. The
// first ones are told one by one, the rest by their number. Pure.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ion::cli {

class EventLines {
 public:
  static constexpr uint64_t kLinesMax = 10;  // of one topic and one kind

  // What to say now; nothing: it is counted, and rest() will say so. `kind` says what there is more of, as "partitions cannot be read".
  std::optional<std::string> add(const std::string& topic, std::string_view kind, const std::string& text);
  // A line for each topic and kind of which some were counted since the last call; empty: none were.
  std::string rest();

 private:
  struct Counted {
    uint64_t told = 0, untold = 0;
    std::string last;
  };
  std::map<std::pair<std::string, std::string>, Counted> counted_;
};

}  // namespace ion::cli
