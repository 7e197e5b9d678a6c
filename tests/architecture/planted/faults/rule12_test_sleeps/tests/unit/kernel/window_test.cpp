#include "partition/core/window.h"

#include <gtest/gtest.h>

TEST(Window, takes_each_sequence_once) {
  std::this_thread::sleep_for(std::chrono::milliseconds(10));  // FAULT
}
