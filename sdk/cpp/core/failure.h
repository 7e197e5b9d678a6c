// What went wrong, and what may be done about it: a Status with the parts of an ErrorDetail that steer retries. Pure.
#pragma once
#include <ion/status.h>
#include <ion/time.h>

#include <string>
#include <string_view>

namespace ion::client {

struct Failure {
  Status status;
  bool retriable = false;
  Nanos retry_after;        // 0: as the back-off says
  std::string leader_hint;  // address to try instead; may be empty
  // Whether the broker may have carried out the request although it gave no answer.
  enum class Outcome { kKnown, kUnknown } outcome = Outcome::kKnown;
};

inline constexpr std::string_view kUnreachable = "UNREACHABLE";
inline constexpr std::string_view kTimedOut = "TIMED_OUT";
inline constexpr std::string_view kNotReady = "NOT_READY";  // of a partition that its broker is still opening, or tries to open again
inline constexpr std::string_view kOutOfSequence = "OUT_OF_SEQUENCE";
inline constexpr std::string_view kTopicRecreated = "TOPIC_RECREATED";
inline constexpr std::string_view kRecordTooLarge = "RECORD_TOO_LARGE";  // of a record, or of a batch as a whole

// May the same bytes be sent again? An unknown outcome only by who cannot make a duplicate. NO_SPACE is not among them: nothing was
// stored, and space comes from an operator, who learns of it by the error and not by a deadline.
enum class Repeat { kSafe, kUnsafe };
constexpr bool is_retriable(Code code, Repeat repeat) noexcept {
  switch (code) {
    case ION_E_NOT_LEADER:
    case ION_E_CLOSED:
    case ION_E_OVERLOADED:
    case ION_E_BUSY:
      return true;
    case ION_E_UNKNOWN_OUTCOME:
    case ION_E_DEADLINE:
      return repeat == Repeat::kSafe;
    default:
      return false;
  }
}

// Bounds that stay full until somebody changes a limit. Their code alone says that the bound may be free again in a moment.
inline bool waits_for_an_operator(const Status& why) {
  if (why.code() == ION_E_NO_SPACE) return true;
  return why.reason() == "TOO_FEW_DESCRIPTORS" || why.reason() == "TOO_MANY_TOPICS" || why.reason() == "TOO_MANY_PARTITIONS";
}
// What every caller goes by. Where it is false the error is told at once.
inline bool worth_asking_again(const Failure& f, Repeat repeat) {
  return !waits_for_an_operator(f.status) && (f.retriable || is_retriable(f.status.code(), repeat));
}

}  // namespace ion::client
