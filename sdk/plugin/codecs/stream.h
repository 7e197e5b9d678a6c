// Private to the codecs: the loop of every library that decompresses a stream piece by piece.
#pragma once
#include "each_codec.h"
#include "output.h"

#include <string_view>

namespace ion::codecs {

enum class Frames { kOne, kAnyNumber };

// What one call of a library did. `ended`: a frame is complete.
struct Step {
  uint64_t read = 0, written = 0;
  bool ended = false;
  const char* error = nullptr;  // the library's words
  bool no_memory = false;
};

// `step(p, n, to, room)` reads at most n bytes and writes at most `room`, of which there is at least one.
template <class StepFn>
Result<Buf> decompress_stream(std::string_view name, Parts parts, Frames frames, uint64_t expected, const Room& room, StepFn step) {
  Output out(room);
  ION_CHECK(out.begin(expected));
  bool ended = false;
  const auto once = [&](const uint8_t* p, uint64_t n) -> Result<Step> {
    uint8_t spare = 0;  // tells whether there is more where nothing more may come
    const bool full = out.is_full();
    if (!full) ION_CHECK(out.make_room(1));
    const Step done = full ? step(p, n, &spare, uint64_t{1}) : step(p, n, out.free_begin(), out.free_bytes());
    if (done.no_memory) return no_memory(out.used());
    if (done.error != nullptr) return corrupt(name, "cannot be read: " + std::string(done.error));
    if (full && done.written != 0) return too_large(name, room.bytes_max);
    out.add(done.written);
    ended = done.ended;
    return done;
  };
  for (const ion_buf& part : parts)
    for (uint64_t at = 0; at < part.n;) {
      if (ended && frames == Frames::kOne) return corrupt(name, "goes on behind the end of its frame, which not every reader reads");
      ION_TRY(const Step done, once(part.p + at, part.n - at));
      if (done.read == 0 && done.written == 0 && !done.ended) return corrupt(name, "cannot be read: it does not go on");
      at += done.read;
    }
  while (!ended) {  // what was read ahead was not all written yet
    ION_TRY(const Step done, once(nullptr, 0));
    if (done.written == 0 && !done.ended) return corrupt(name, "ends early");
  }
  return out.take();
}

}  // namespace ion::codecs
