// A test with a seed that it prints, on port 0, without real time.
#include "partition/core/window.h"

#include <gtest/gtest.h>

#include <iostream>
#include <random>

TEST(Window, takes_each_sequence_once) {
  const unsigned seed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const char* address = "127.0.0.1:0";  // a text like "127.0.0.1:9640" that is only parsed is no fault either
  ASSERT_TRUE(random() != 0 && port_of(address) == 0 && port_of("127.0.0.1:9640") == 9640);
}
