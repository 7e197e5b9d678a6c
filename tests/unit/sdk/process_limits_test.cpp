// What is asked of a process at its start. Each test lowers a soft limit of this process and gives it back.
#include <process/limits.h>

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace ion::process {
namespace {

class SoftLimit {
 public:
  SoftLimit(__rlimit_resource_t what, uint64_t value) : what_(what) {
    EXPECT_EQ(::getrlimit(what_, &before_), 0);
    const rlimit lowered{value, before_.rlim_max};
    EXPECT_EQ(::setrlimit(what_, &lowered), 0);
  }
  ~SoftLimit() { (void)::setrlimit(what_, &before_); }

 private:
  const __rlimit_resource_t what_;
  rlimit before_{};
};

TEST(ProcessLimits, the_soft_limit_of_open_files_is_raised_to_the_hard_one_and_answered) {
  const SoftLimit few(RLIMIT_NOFILE, 64);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(raise_descriptor_limit(), limit.rlim_max);
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

TEST(ProcessLimits, descriptors_that_are_open_do_not_count_as_free) {
  std::vector<int> made;
  do made.push_back(::dup(STDERR_FILENO));
  while (made.back() >= 0 && made.back() < 40);
  const int last = made.back();  // every number up to it is taken
  ASSERT_GE(last, 40);
  const SoftLimit few(RLIMIT_NOFILE, static_cast<uint64_t>(last) + 11);
  EXPECT_TRUE(check_descriptors(10).ok());
  const Status refused = check_descriptors(11);
  EXPECT_EQ(refused.code(), ION_E_OVERLOADED);
  const std::string taken = std::to_string(last + 1);
  EXPECT_EQ(refused.message(), "wanted 11 open files (descriptors) beside the " + taken + " that are open, this process may have " + std::to_string(last + 11) +
                                   " in all (ulimit -n)");
  for (const int one : made) ::close(one);
  EXPECT_TRUE(check_descriptors(11).ok());
}

TEST(ProcessLimits, a_small_stack_is_refused) {
  EXPECT_TRUE(check_stack().ok());
  const SoftLimit small(RLIMIT_STACK, 64 << 10);
  const Status refused = check_stack();
  EXPECT_EQ(refused.code(), ION_E_NO_MEMORY);
  EXPECT_EQ(refused.message(), "the stack of a thread of this process is limited to 64 KiB (ulimit -s), wanted at least 256 KiB");
}

TEST(ProcessLimits, address_space_and_threads_that_are_there_pass) {
  EXPECT_TRUE(check_address_space(1 << 20).ok());
  EXPECT_TRUE(check_threads(4).ok());
}

}  // namespace
}  // namespace ion::process
