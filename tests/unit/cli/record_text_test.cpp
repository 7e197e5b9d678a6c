#include "core/record_text.h"

#include <gtest/gtest.h>

namespace ion::cli {
namespace {

std::string base64(std::string_view bytes) {
  std::string out;
  append_base64(bytes, out);
  return out;
}
std::string json(const RecordView& record) {
  std::string out;
  append_json_line(record, out);
  return out;
}

// RFC 4648, section 10.
TEST(RecordText, base64_is_padded) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

TEST(RecordText, only_well_formed_utf8_is_utf8) {
  for (const char* good : {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xff"}) EXPECT_FALSE(is_utf8(bad));
}

TEST(RecordText, json_escapes_what_json_cannot_hold) {
  std::string out;
  append_json_string("a\"b\\c\n\t\r\x01\xc3\xa4", out);
  EXPECT_EQ(out, "\"a\\\"b\\\\c\\n\\t\\r\\u0001\xc3\xa4\"");
}

TEST(RecordText, a_record_is_one_json_line) {
  RecordView r;
  r.topic = "t", r.partition = {1}, r.offset = {5}, r.time = {1000}, r.log = {1}, r.key = "", r.value = "v";
  const std::string line = json(r);
  EXPECT_TRUE(line.starts_with("{\"topic\":\"t\",\"partition\":1,\"offset\":5,\"timestamp\":1000,\"id\":\"")) << line;
  EXPECT_TRUE(line.ends_with("\",\"key\":\"\",\"value\":\"v\",\"headers\":[]}\n")) << line;
}

TEST(RecordText, a_missing_key_is_absent_and_a_missing_value_null) {
  RecordView r;
  const std::string line = json(r);
  EXPECT_EQ(line.find("key"), std::string::npos) << line;
  EXPECT_NE(line.find("\"value\":null"), std::string::npos) << line;
}

TEST(RecordText, bytes_that_are_not_utf8_say_their_encoding) {
  RecordView r;
  r.key = "\xff", r.value = "\xfe";
  const std::string line = json(r);
  EXPECT_NE(line.find("\"key\":\"/w==\",\"key_encoding\":\"base64\",\"value\":\"/g==\",\"value_encoding\":\"base64\""), std::string::npos) << line;
}

}  // namespace
}  // namespace ion::cli
