#include "partition/core/window.h"

#include <gtest/gtest.h>

TEST(Window, takes_each_sequence_once) {
  std::mt19937 random(41);  // FAULT
}
