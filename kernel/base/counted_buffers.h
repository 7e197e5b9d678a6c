// Counted memory behind ion.buffers/1: how many bytes and buffers are lent out, since when, and a bound for the bytes.
// Any thread. A buffer may outlive the counter: the totals die with the last of them.
#pragma once
#include <ion/bytes.h>
#include <ion/ports.h>
#include <ion/result.h>

#include <cstdint>
#include <memory>
#include <optional>

namespace ion::base {

class CountedBuffers {
 public:
  CountedBuffers(uint64_t bytes_max, Clock& clock);

  // *write_to may be written until the buffer is shared for the first time. NO_MEMORY: bytes_max would be passed, or none is there.
  Result<Buf> allocate(uint64_t n, uint8_t** write_to);

  // Moments' views.
  uint64_t bytes() const noexcept;
  uint64_t buffers() const noexcept;
  // How long the oldest buffer has been lent out, to the second; nothing: none is.
  std::optional<Nanos> oldest() const;

  struct Totals;

 private:
  Clock& clock_;
  // Shared by the counter and every buffer: a release may come from a library's thread after the instance is gone.
  std::shared_ptr<Totals> totals_;
};

}  // namespace ion::base
