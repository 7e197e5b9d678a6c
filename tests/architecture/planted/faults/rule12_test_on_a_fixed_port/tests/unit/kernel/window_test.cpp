#include "partition/core/window.h"

#include <gtest/gtest.h>

TEST(Window, takes_each_sequence_once) {
  grpc::CreateChannel("127.0.0.1:9640", nullptr);  // FAULT
}
