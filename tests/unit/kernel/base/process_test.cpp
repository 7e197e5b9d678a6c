#include "base/process.h"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace ion::base {
namespace {

struct WriteText : ::testing::Test {
  WriteText() {
    (void)std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(::pipe(ends.data()), 0);
  }
  ~WriteText() override {
    for (const int end : ends)
      if (end >= 0) ::close(end);
  }
  void close_reader() { ::close(std::exchange(ends[0], -1)); }
  void fill() {
    ASSERT_EQ(::fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    const std::string piece(4096, 'x');
    while (::write(ends[1], piece.data(), piece.size()) > 0) continue;
    ASSERT_EQ(::fcntl(ends[1], F_SETFL, 0), 0);
  }
  std::array<int, 2> ends{-1, -1};
};

TEST_F(WriteText, writes_all_of_it) {
  ASSERT_TRUE(write_text(ends[1], "ready", seconds(60)).ok());
  std::array<char, 16> read{};
  ASSERT_EQ(::read(ends[0], read.data(), read.size()), 5);
  EXPECT_EQ(std::string(read.data()), "ready");
}

TEST_F(WriteText, to_a_pipe_without_a_reader_is_an_answer_and_no_signal) {
  close_reader();
  EXPECT_EQ(write_text(ends[1], "ready", seconds(60)).code(), ION_E_CLOSED);
}

TEST_F(WriteText, to_a_full_pipe_ends_at_the_limit) {
  fill();
  EXPECT_EQ(write_text(ends[1], "ready", milliseconds(1)).code(), ION_E_DEADLINE);
}

TEST_F(WriteText, to_a_full_disk_says_so) {
  const int full = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  EXPECT_EQ(write_text(full, "ready", seconds(60)).code(), ION_E_NO_SPACE);
  ::close(full);
}

}  // namespace
}  // namespace ion::base
