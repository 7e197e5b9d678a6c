#include "partition/core/window.h"

#include <gtest/gtest.h>

TEST(Window, takes_each_sequence_once) {
  const auto start = std::chrono::steady_clock::now();  // FAULT
}
