#include "core/failure.h"

#include <ionstream/v1/error.pb.h>

#include <gtest/gtest.h>

namespace ion::transport_grpc {
namespace {

TEST(Utf8Text, characters_of_every_length_stay) {
  for (const std::string_view text : {"", "orders", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x99\x82", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_EQ(utf8_text(text), text);
}

TEST(Utf8Text, bytes_that_are_no_character_are_shown_as_numbers) {
  EXPECT_EQ(utf8_text("a\xff" "b"), "a\\xffb");
  EXPECT_EQ(utf8_text("\xc0\xaf"), "\\xc0\\xaf");                  // overlong
  EXPECT_EQ(utf8_text("\xed\xa0\x80"), "\\xed\\xa0\\x80");         // a surrogate
  EXPECT_EQ(utf8_text("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above the last character
  EXPECT_EQ(utf8_text("\xe2\x82"), "\\xe2\\x82");                  // cut off
}

TEST(Utf8Text, the_detail_of_an_error_can_be_read_whatever_a_client_called_its_topic) {
  Failure failure = Failure::of(Status(ION_E_NOT_FOUND, "no topic \xfe here", "R\xff"));
  failure.on("\xfe", 3);
  ionstream::v1::ErrorDetail detail;
  ASSERT_TRUE(detail.ParseFromString(error_detail(failure)));
  EXPECT_EQ(detail.topic(), "\\xfe");
  EXPECT_EQ(detail.detail(), "no topic \\xfe here");
  EXPECT_EQ(detail.reason(), "R\\xff");
}

}  // namespace
}  // namespace ion::transport_grpc
