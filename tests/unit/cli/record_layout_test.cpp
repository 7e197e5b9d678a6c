// What a record format says of the batch, and modifiers that have a layout: unpack and strftime.
#include <gtest/gtest.h>

#include "core/record_format.h"
#include "core/time_text.h"

namespace ion::cli {
namespace {

std::string written(std::string_view format, std::string_view value = {}, int64_t ms = 0, uint16_t attributes = 0) {
  RecordView r;
  r.topic = "t", r.value = value, r.time = {ms};
  r.leader_epoch = 3, r.producer = 4000, r.producer_epoch = 5, r.attributes = attributes;
  const auto parsed = OutputFormat::parse(format);
  if (!parsed) return parsed.error().message();
  std::string out;
  parsed->write(r, out);
  return out;
}

TEST(RecordLayout, epochs_and_producers_of_the_batch_are_numbers) {
  EXPECT_EQ(written("%e %x %y %x{hex8}"), "3 4000 5 a0");
}

TEST(RecordLayout, attributes_are_words_or_numbers) {
  EXPECT_EQ(written("%a{compression} %a{timestamp-type} %a{transactional-bit} %a{control-bit}"), "none CreateTime false false");
  EXPECT_EQ(written("%a{compression} %a{timestamp-type} %a{transactional-bit}", {}, 0, 4 | 8 | 16), "zstd LogAppendTime true");
  EXPECT_EQ(written("%a{compression;ascii} %a{timestamp-type;hex8} %a{control-bit;number}", {}, 0, 2 | 8), "2 01 0");
  for (const char* wrong : {"%a", "%a{", "%a{codec}", "%a{compression;iso}", "%a{compression;}"}) EXPECT_NE(written(wrong).find("want %a{compression}"), std::string::npos) << wrong;
}

TEST(RecordLayout, unpack_takes_bytes_apart) {
  const std::string_view bytes("\x01\x02\xff\xff\x80rest", 9);
  EXPECT_EQ(written("%v{unpack[H]}", bytes), "513");
  EXPECT_EQ(written("%v{unpack[>H]}", bytes), "258");
  EXPECT_EQ(written("%v{unpack[>Hh<b]}", bytes), "258-1-128");
  EXPECT_EQ(written("%v{unpack[xB.s]}", std::string_view("\x07" "abc", 4)), "7abc");
  EXPECT_EQ(written("%v{unpack[q]}", std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff", 8)), "-1");
  EXPECT_EQ(written("%v{unpack[Q]}", std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff", 8)), "18446744073709551615");
  EXPECT_EQ(written("%v{unpack[B$]}", "a"), "97");
  EXPECT_EQ(written("%v{unpack[B$]}", "ab"), "97%!(bytes are left)");
  EXPECT_EQ(written("%v{unpack[I]}", "ab"), "%!(bytes are missing)");
}

TEST(RecordLayout, a_layout_stands_between_openers_of_any_kind_and_number) {
  for (const char* format : {"%v{unpack[B]}", "%v{unpack[[B]]}", "%v{unpack{B}}", "%v{unpack((B))}", "%v{unpack#B#}", "%v{unpack##B##}"}) EXPECT_EQ(written(format, "a"), "97") << format;
  EXPECT_NE(written("%v{unpack[B}").find("no end; want ]}"), std::string::npos);
  EXPECT_NE(written("%v{unpack[BZ]}").find("no letter of unpack"), std::string::npos);
  EXPECT_NE(written("%v{re[a]}").find("re is not offered for %v in what is written"), std::string::npos);
  EXPECT_NE(written("%o{strftime[%F]}").find("strftime is not offered for %o"), std::string::npos);
}

TEST(RecordLayout, a_layout_that_writes_nothing_is_refused) {
  EXPECT_NE(written("%v{unpack[]}").find("unpack has an empty layout"), std::string::npos) << written("%v{unpack[]}");
  EXPECT_NE(written("%v{unpack[[]]}").find("unpack has an empty layout"), std::string::npos);
  EXPECT_NE(written("%d{strftime[]}").find("strftime has an empty layout"), std::string::npos);
  EXPECT_NE(written("%d{strftime##}").find("no end"), std::string::npos) << "the openers go on to the end";
  EXPECT_NE(written("%h{}").find("%h{} writes nothing"), std::string::npos) << written("%h{}");
}

TEST(RecordLayout, strftime_writes_a_time_in_utc) {
  EXPECT_EQ(written("%d{strftime[%F %T]}", {}, 1'700'000'000'123), "2023-11-14 22:13:20");
  EXPECT_EQ(written("%d{strftime[%a %A %b %B %j %e %I%p %D %R %Z %z %s %%]}", {}, 951'827'696'000), "Tue Tuesday Feb February 060 29 12PM 02/29/00 12:34 UTC +0000 951827696 %");
  EXPECT_EQ(written("%d{strftime[%F %j %a]}", {}, 1'735'603'200'000), "2024-12-31 366 Tue");
  EXPECT_EQ(written("%d{strftime[%F %T %a]}", {}, -1), "1969-12-31 23:59:59 Wed");
  EXPECT_NE(written("%d{strftime[%Q]}").find("no letter of strftime"), std::string::npos);
  EXPECT_NE(written("%d{strftime[%]}").find("no letter of strftime"), std::string::npos);
}

TEST(RecordLayout, numbers_of_the_batch_are_read_and_ignored) {
  const auto format = InputFormat::parse("%e %x %y %v\n");
  ASSERT_TRUE(format);
  const InputFormat::Step step = format->read("1 2 3 hello\n", InputFormat::Source::kEnded);
  ASSERT_EQ(step.found, InputFormat::Step::Found::kRecord);
  EXPECT_EQ(step.record.value, "hello");
  EXPECT_FALSE(InputFormat::parse("%v{unpack[B]}\n"));
}

}  // namespace
}  // namespace ion::cli
