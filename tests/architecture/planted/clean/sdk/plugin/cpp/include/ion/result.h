// A result.
#pragma once
#include <ion/abi/types.h>

#include <utility>

namespace ion {
struct Result {
  ion_word code = 0;
};
}  // namespace ion
