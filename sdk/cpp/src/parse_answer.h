// Bytes that a broker sent -> a generated message. For files that may include generated headers.
#pragma once
#include <ion/result.h>

#include <climits>
#include <string>
#include <string_view>

namespace ion::client {

template <class M>
Result<M> parse_answer(std::string_view bytes) {
  M m;
  if (bytes.size() > INT_MAX || !m.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Status(ION_E_INTERNAL, "the broker sent a " + std::string(M::descriptor()->name()) + " that cannot be read");
  return m;
}

}  // namespace ion::client
