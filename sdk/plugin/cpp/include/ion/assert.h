// Assertions that stay on in release: what we may be wrong about. What outside can get wrong is a Status.
#pragma once
#include <cstdio>
#include <cstdlib>

namespace ion::detail {
[[noreturn]] inline void assertion_failed(const char* what, const char* file, int line) noexcept {
  std::fprintf(stderr, "ion: assertion failed: %s at %s:%d\n", what, file, line);
  std::abort();
}
}  // namespace ion::detail

#define ION_ASSERT(condition) \
  (__builtin_expect(static_cast<bool>(condition), 1) ? void(0) : ::ion::detail::assertion_failed(#condition, __FILE__, __LINE__))
