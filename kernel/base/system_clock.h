// The clocks of the machine: CLOCK_MONOTONIC for instants, CLOCK_REALTIME for wall time. Any thread.
#pragma once
#include <ion/ports.h>

namespace ion::base {

class SystemClock final : public Clock {
 public:
  Instant now() override;
  WallMs wall() override;
  // Processor time that the calling thread has used.
  static Nanos thread_cpu();
};

}  // namespace ion::base
