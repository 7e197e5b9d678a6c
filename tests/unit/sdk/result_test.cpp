#include <gtest/gtest.h>
#include <ion/ids.h>
#include <ion/result.h>
#include <ion/time.h>

#include <memory>
#include <string>
#include <unordered_set>

namespace ion {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Status(ION_E_INVALID, "want an even number, have " + std::to_string(n));
  return n / 2;
}
Status even(int n) { return half(n).has_value() ? Status() : half(n).error(); }

Result<int> sum_of_halves(int a, int b) {
  ION_TRY(const int x, half(a)); ION_TRY(const int y, half(b));  // two on one line must not collide
  return x + y;
}
Status both_even(int a, int b) {
  ION_CHECK(even(a)); ION_CHECK(half(b));
  return {};
}

TEST(Result, holds_a_value_or_an_error) {
  EXPECT_EQ(*half(8), 4);
  EXPECT_EQ(half(7).error().code(), ION_E_INVALID);
  EXPECT_EQ(half(7).value_or(-1), -1);
  EXPECT_EQ(half(6).value_or(-1), 3);
}

TEST(Result, moves_what_cannot_be_copied) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(5);
  const std::unique_ptr<int> taken = *std::move(made);
  EXPECT_EQ(*taken, 5);
}

TEST(Result, try_hands_the_first_error_upward) {
  EXPECT_EQ(*sum_of_halves(4, 6), 5);
  EXPECT_EQ(sum_of_halves(3, 6).error().message(), "want an even number, have 3");
  EXPECT_EQ(sum_of_halves(4, 5).error().message(), "want an even number, have 5");
  EXPECT_TRUE(both_even(2, 4).ok());
  EXPECT_EQ(both_even(2, 9).message(), "want an even number, have 9");
}

TEST(ResultDeathTest, a_value_that_is_not_there_asserts) {
  EXPECT_DEATH((void)half(7).value(), "assertion failed");
  EXPECT_DEATH((void)Result<int>(Status()), "assertion failed");
}

TEST(Status, crosses_the_c_form_and_back) {
  ion_err err{sizeof(ion_err), ION_OK, {}};
  EXPECT_EQ(Status(ION_E_NO_SPACE, "need 4096 B, have 512").to(&err), ION_E_NO_SPACE);
  const Status back = Status::from(err.code, &err);
  EXPECT_EQ(back.code(), ION_E_NO_SPACE);
  EXPECT_EQ(back.message(), "need 4096 B, have 512");
  EXPECT_EQ(Status(ION_E_BUSY, "no words wanted").to(nullptr), ION_E_BUSY);
}

TEST(Status, long_words_are_cut_and_end_in_zero) {
  ion_err err{sizeof(ion_err), ION_OK, {}};
  (void)Status(ION_E_IO, std::string(1000, 'x')).to(&err);
  EXPECT_EQ(Status::from(ION_E_IO, &err).message(), std::string(sizeof err.msg - 1, 'x'));
}

TEST(Status, names_every_code_and_reads_an_unknown_one_as_internal) {
  EXPECT_EQ(code_name(ION_E_NOT_LEADER), "NOT_LEADER");
  EXPECT_EQ(code_name(-99), "INTERNAL");
  EXPECT_EQ(to_code(-99), ION_E_INTERNAL);
  EXPECT_EQ(to_code(2), ION_E_INTERNAL);
  EXPECT_EQ(Status::from(ION_E_FENCED, nullptr).text(), "FENCED: FENCED");
  EXPECT_TRUE(Status::from(ION_OK, nullptr).ok());
}

TEST(Uuid, of_version_4_has_its_bits_and_its_text) {
  const Uuid id = Uuid::random(0xffffffffffffffff, 0);
  EXPECT_EQ(id.text(), "ffffffff-ffff-4fff-8000-000000000000");
  std::unordered_set<Uuid> set{id, Uuid::random(1, 2)};
  EXPECT_TRUE(set.contains(id));
}

TEST(Time, instants_and_durations_calculate) {
  const Instant start{1'000};
  EXPECT_EQ((start + microseconds(2)).ns, 3'000u);
  EXPECT_EQ((Instant{500} - start).n, -500);
  EXPECT_EQ((seconds(3) / 2).n, 1'500'000'000);
  EXPECT_LT(milliseconds(1), milliseconds(2));
}

}  // namespace
}  // namespace ion
