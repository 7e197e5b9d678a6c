// Partitions that their broker refuses while others are read: told, given up, found again.
#include <fmt/format.h>

#include <algorithm>

#include "core/reader_core.h"

namespace ion::client {

using namespace read;

void ReaderCore::lose(Partition& p, const Status& why, Instant now) {
  p.why = why;
  if (!p.lost_since) p.lost_since = now;
  wake_at_ = std::min(wake_at_, *p.lost_since + kTellAfter);
}

// Who follows without an end outlives what an operator has to mend, by space, a repair or a restart; who reads up to an end is told at once.
bool ReaderCore::tries_again(const Partition& p, const Failure& why) const {
  const Code code = why.status.code();
  const bool mended_by_hand = waits_for_an_operator(why.status) || code == ION_E_CORRUPT || code == ION_E_FAILED || code == ION_E_IO;
  return worth_asking_again(why, Repeat::kSafe) || (mended_by_hand && !gives_up_in_time(p));
}

// A topic that is gone is one error and not as many as it had partitions.
bool ReaderCore::doubts_topic(Partition& p, const Status& why, Instant now, Actions& out) {
  if (why.code() != ION_E_NOT_FOUND || std::exchange(p.doubted, true)) return false;
  in_doubt_ = true;
  last_cause_ = why;
  if (!lost_since_) lost_since_ = now;
  want_metadata(out);
  return true;
}

void ReaderCore::found(Partition& p, Actions& out) {
  p.lost_since.reset();
  if (std::exchange(p.told, false))
    out.notices.push_back({ClientEvent::What::kPartitionFound, fmt::format("topic {} partition {} is served again", options_.topic, p.id.v)});
}

void ReaderCore::give_up(Partition& p, Actions& out) {
  p.is = Partition::Is::kGivenUp;
  p.stream = 0;
  last_given_up_ = p.id;
  if (all_given_up()) return;  // its cause is the end of the reader
  out.notices.push_back({ClientEvent::What::kPartitionLost, fmt::format("topic {} partition {} cannot be read and is left out: {}", options_.topic, p.id.v, p.why.text())});
}

void ReaderCore::check_lost(Instant now, Actions& out) {
  for (Partition& p : partitions_) {
    if (!p.lost_since || !is_open(p)) continue;
    if (p.is == Partition::Is::kReading && now - p.placed_at >= kSettled) {
      found(p, out);
      continue;
    }
    const Nanos lost = now - *p.lost_since;
    if (gives_up_in_time(p) && lost >= options_.unreachable_timeout) {
      p.why = Status(p.why.code(), fmt::format("not served for {} ms, last cause: {}", options_.unreachable_timeout.n / 1'000'000, p.why.message()), p.why.reason());
      if (options_.on_lost == ReaderOptions::OnLost::kFail)
        return fail({p.why.code(), fmt::format("topic {} partition {}: {}", options_.topic, p.id.v, p.why.message()), p.why.reason()}, out);
      give_up(p, out);
    } else if (lost >= kTellAfter && !p.told) {
      p.told = true;
      out.notices.push_back({ClientEvent::What::kPartitionLost,
                             fmt::format("topic {} partition {} cannot be read now and is tried again: {}", options_.topic, p.id.v, p.why.text())});
    }
  }
}

bool ReaderCore::all_given_up() const {
  return std::all_of(partitions_.begin(), partitions_.end(), [](const Partition& p) { return p.is == Partition::Is::kGivenUp; });
}

// Nothing is left to read: all is well, or all is lost.
void ReaderCore::conclude(Actions& out) {
  if (partitions_.empty() || std::any_of(partitions_.begin(), partitions_.end(), is_open)) return;
  if (!all_given_up()) {
    finished_ = true;
    return;
  }
  const Status why = find(last_given_up_)->why;
  fail({why.code(), fmt::format("topic {} partition {}: {}", options_.topic, last_given_up_.v, why.message()), why.reason()}, out);
}

std::vector<LostPartition> ReaderCore::lost() const {
  std::vector<LostPartition> out;
  for (const Partition& p : partitions_)
    if (p.is == Partition::Is::kGivenUp) out.push_back({p.id, p.why});
  return out;
}

}  // namespace ion::client
