// Counted memory behind ion.buffers/1: how many bytes and buffers are lent out, and a bound for them.
// Any thread. A buffer may outlive the counter: the totals die with the last of them.
#pragma once
#include <ion/bytes.h>
#include <ion/result.h>

#include <cstdint>
#include <memory>

namespace ion::base {

class CountedBuffers {
 public:
  explicit CountedBuffers(uint64_t bytes_max);

  // *write_to may be written until the buffer is shared for the first time. NO_MEMORY: bytes_max would be passed, or none is there.
  Result<Buf> allocate(uint64_t n, uint8_t** write_to);

  // Moments' views.
  uint64_t bytes() const noexcept;
  uint64_t buffers() const noexcept;

  struct Totals;

 private:
  // Shared by the counter and every buffer: a release may come from a library's thread after the instance is gone.
  std::shared_ptr<Totals> totals_;
};

}  // namespace ion::base
