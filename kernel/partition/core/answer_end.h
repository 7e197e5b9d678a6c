// Where the answer to a reader may end while more follows. A reader of Kafka's kind goes on behind the last record that it was given: where
// the last batch of an answer has no record at its last offset (compaction or an interceptor took it), it asks for an offset that is not
// there, and some ask again and again, one offset further each time. Pure.
#pragma once
#include <ion/bytes.h>
#include <ion/ids.h>

#include <cstdint>
#include <span>

namespace ion::partition {

struct AnswerEnd {
  bool live = false;    // a batch has a record at its last offset; the last such one ends here:
  uint64_t bytes = 0;
  Offset next;
  // Else: whether the batches that have records are compressed, so that nobody has looked at their ends, and that is enough to go on:
  bool goes_on = false;
};
// `parts` hold whole batches, joined.
AnswerEnd find_answer_end(std::span<const ion_buf> parts);

}  // namespace ion::partition
