#include "core/record_format.h"

#include <gtest/gtest.h>

#include "record_json.h"

namespace ion::cli {
namespace {

using Found = InputFormat::Step::Found;
using Source = InputFormat::Source;

RecordView some_record() {
  RecordView r;
  r.topic = "orders", r.partition = {3}, r.offset = {42}, r.time = {1700000000123}, r.log = {7};
  r.key = "k1", r.value = "hello", r.header_count = 2, r.number = 9;
  return r;
}

std::string written(std::string_view format, const RecordView& record = some_record()) {
  const auto parsed = OutputFormat::parse(format);
  EXPECT_TRUE(parsed) << parsed.error().text();
  std::string out;
  if (parsed) parsed->write(record, out);
  return out;
}

std::string refusal(std::string_view format) {
  const auto parsed = OutputFormat::parse(format);
  return parsed ? "taken" : parsed.error().message();
}

TEST(OutputFormat, every_verb_writes_its_field) {
  EXPECT_EQ(written("%t %p %o %k %v %d %i"), "orders 3 42 k1 hello 1700000000123 9");
  EXPECT_EQ(written("%T %K %V %H"), "6 2 5 2");
}

TEST(OutputFormat, the_id_is_a_uuid_of_version_7) {
  const std::string id = written("%u");
  ASSERT_EQ(id.size(), 36u);
  EXPECT_EQ(id[14], '7');
}

TEST(OutputFormat, a_record_whose_offset_nobody_said_has_no_id) {
  RecordView unanswered = some_record();
  unanswered.offset = {-1};
  EXPECT_EQ(written("%o|%u|", unanswered), "-1||");
}

TEST(OutputFormat, escapes_are_bytes) {
  EXPECT_EQ(written("a\\tb\\n\\r\\\\\\x41%%%{%}"), "a\tb\n\r\\A%{}");
  EXPECT_EQ(written("\\0"), std::string(1, '\0'));
}

TEST(OutputFormat, a_missing_key_or_value_is_empty) {
  RecordView tombstone = some_record();
  tombstone.key.reset(), tombstone.value.reset();
  EXPECT_EQ(written("[%k|%v|%K|%V]", tombstone), "[||0|0]");
}

TEST(OutputFormat, an_unknown_verb_is_shown_under_a_caret) {
  const std::string words = refusal("%v %Q");
  EXPECT_NE(words.find("%Q"), std::string::npos) << words;
  EXPECT_NE(words.find("\n  %v %Q\n     ^^"), std::string::npos) << words;
}

TEST(OutputFormat, mistakes_are_refused) {
  EXPECT_NE(refusal("100%").find("%%"), std::string::npos);
  EXPECT_NE(refusal("x\\").find("backslash"), std::string::npos);
  EXPECT_NE(refusal("\\q").find("escape"), std::string::npos);
  EXPECT_NE(refusal("\\x4").find("escape"), std::string::npos);
  EXPECT_NE(refusal("%v{big32}").find("modifiers"), std::string::npos);
  EXPECT_NE(refusal("%o{base64}").find("no such modifier"), std::string::npos);
  EXPECT_NE(refusal("%o{iso}").find("no such modifier"), std::string::npos);
  EXPECT_NE(refusal("%v{hex").find("missing"), std::string::npos);
  EXPECT_NE(refusal("%h").find("%h{"), std::string::npos);
  EXPECT_NE(refusal("%h{%k").find("missing"), std::string::npos);
  EXPECT_NE(refusal("%h{%o}").find("%o"), std::string::npos);
  EXPECT_NE(refusal("%D").find("not offered"), std::string::npos);
}

TEST(OutputFormat, numbers_and_bytes_have_forms) {
  EXPECT_EQ(written("%o{hex} %o{hex16} %o{hex4} %o{number} %o{bool}"), "2a 002a a 42 true");
  EXPECT_EQ(written("%o{big32}%o{little16}%o{byte}"), std::string("\0\0\0\x2a\x2a\0\x2a", 7));
  EXPECT_EQ(written("%k{hex} %v{base64} %k{base64} %k{base64raw}"), "6b31 aGVsbG8= azE= azE");
  EXPECT_EQ(written("%d{iso}"), "2023-11-14T22:13:20.123Z");
  RecordView leap = some_record();
  leap.time = {951782400000};
  EXPECT_EQ(written("%d{iso}", leap), "2000-02-29T00:00:00.000Z");
}

TEST(OutputFormat, headers_are_written_one_by_one) {
  RecordView r = some_record();
  const uint8_t encoded[] = {2, 'a', 4, 'x', 'y', 2, 'b', 1};  // a=xy, b=null
  r.headers = encoded;
  EXPECT_EQ(written("%H:%h{%k=%v/%V{hex8};}", r), "2:a=xy/02;b=/00;");
}

TEST(OutputFormat, headers_that_were_not_in_a_batch_are_written_like_those_that_were) {
  RecordView r = some_record();
  std::string encoded;
  append_header("a", "xy", encoded);
  append_header("", std::nullopt, encoded);
  append_header("c", std::string(300, '.'), encoded);
  r.headers = span_of(std::string_view(encoded)), r.header_count = 3;
  EXPECT_EQ(written("%h{%k=%V;}", r), "a=2;=0;c=300;");
}

TEST(OutputFormat, it_knows_which_bytes_it_shows) {
  EXPECT_TRUE(OutputFormat::parse("%V")->shows_value());
  EXPECT_TRUE(OutputFormat::parse("%k")->shows_key());
  const auto neither = OutputFormat::parse("%p %o kv");
  EXPECT_FALSE(neither->shows_key() || neither->shows_value() || neither->shows_headers());
  EXPECT_TRUE(OutputFormat::parse("%H")->shows_headers());
  EXPECT_TRUE(OutputFormat::parse("%h{%k}")->shows_headers());
  EXPECT_FALSE(OutputFormat::parse("%h{%k}")->shows_key()) << "that of a header is no key of a record";
}

struct Read {
  std::vector<std::string> records;
  InputFormat::Step last;
};

// Gives the input in pieces of `step` bytes, as a pipe does.
Read read_all(std::string_view format, std::string_view input, size_t step) {
  const auto parsed = InputFormat::parse(format);
  EXPECT_TRUE(parsed) << parsed.error().text();
  Read out;
  size_t begin = 0, end = 0;
  for (;;) {
    out.last = parsed->read(input.substr(begin, end - begin), end == input.size() ? Source::kEnded : Source::kOpen);
    if (out.last.found == Found::kNeedMore) {
      end = std::min(end + step, input.size());
      continue;
    }
    if (out.last.found != Found::kRecord) return out;
    begin += out.last.used;
    const auto shown = [](const std::optional<std::string_view>& field) { return field ? std::string(*field) : "-"; };
    out.records.push_back(shown(out.last.record.topic) + "/" + shown(out.last.record.key) + "/" + shown(out.last.record.value));
  }
}

using Rows = std::vector<std::string>;

TEST(InputFormat, lines_are_records_however_the_input_is_cut) {
  for (size_t step = 1; step < 12; ++step) {
    const Read read = read_all("%v\\n", "one\n\nthree\n", step);
    EXPECT_EQ(read.records, (Rows{"-/-/one", "-/-/", "-/-/three"})) << step;
    EXPECT_EQ(read.last.found, Found::kEnd);
  }
}

TEST(InputFormat, the_last_delimiter_may_be_missing) {
  EXPECT_EQ(read_all("%v\\n", "a\nb", 2).records, (Rows{"-/-/a", "-/-/b"}));
  EXPECT_EQ(read_all("%k\\t%v\\r\\n", "k\tv", 1).records, (Rows{"-/k/v"}));
}

TEST(InputFormat, an_empty_input_has_no_record) { EXPECT_TRUE(read_all("%v\\n", "", 1).records.empty()); }

TEST(InputFormat, several_fields_are_split_at_their_literals) {
  EXPECT_EQ(read_all("<%t|%k::%v>;", "<a|b::c:d>;<e|::>;", 3).records, (Rows{"a/b/c:d", "e//"}));
}

TEST(InputFormat, a_field_without_a_delimiter_takes_everything) {
  EXPECT_EQ(read_all("%v", "a\nb\n", 1).records, (Rows{"-/-/a\nb\n"}));
}

TEST(InputFormat, input_that_does_not_fit_says_where) {
  const Read cut = read_all("%k\\t%v\\n", "k\tv\nk2", 1);
  EXPECT_EQ(cut.records.size(), 1u);
  EXPECT_EQ(cut.last.found, Found::kMismatch);
  EXPECT_EQ(cut.last.used, 2u);
  EXPECT_EQ(read_all("<%v>", "<a>b>", 1).last.found, Found::kMismatch);
}

TEST(InputFormat, a_field_with_a_length_takes_exactly_that_many_bytes) {
  for (size_t step = 1; step < 9; ++step) {
    EXPECT_EQ(read_all("%K %V %k%v\n", "2 3 k1a\nb\n0 1 \n\n", step).records, (Rows{"-/k1/a\nb", "-//\n"})) << step;
    EXPECT_EQ(read_all("%V{big16}%v", std::string_view("\0\3abc\0\0\0\1x", 10), step).records, (Rows{"-/-/abc", "-/-/", "-/-/x"})) << step;
    EXPECT_EQ(read_all("%V{2}%v", "aabbcc", step).records, (Rows{"-/-/aa", "-/-/bb", "-/-/cc"})) << step;
  }
  EXPECT_EQ(read_all("%V %v\n", "9 abc\n", 1).last.found, Found::kMismatch) << "it is cut";
  EXPECT_EQ(read_all("%V %v\n", "x abc\n", 1).last.found, Found::kMismatch);
  EXPECT_EQ(read_all("%V{0}%v", "a", 1).last.found, Found::kMismatch) << "it would be read for ever";
}

TEST(InputFormat, a_line_without_its_separator_is_a_mistake_and_never_joined_with_the_next) {
  for (const size_t at_once : {size_t{1}, size_t{100}}) {
    const auto read = read_all("%k %v\n", "a b\nlonely\nc d\n", at_once);
    EXPECT_EQ(read.last.found, Found::kMismatch);
    EXPECT_EQ(read.last.why, "want \" \" behind %k, and the record ends before it: \"lonely\"");
    EXPECT_EQ(read.last.used, 6u) << "where it was wanted";
  }
  EXPECT_EQ(read_all("%t %k %v|", "a b|c d e|", 100).last.found, Found::kMismatch);
  EXPECT_NE(read_all("%k %v\n", std::string(1000, 'x') + "\n", 100).last.why.find("xxx\"..."), std::string::npos) << "not the whole of a long one";
  EXPECT_EQ(read_all("%k\n%v\n", "a\nb\n", 100).last.found, Found::kEnd) << "two lines are a record";
  EXPECT_EQ(read_all("%k\n\n%v\n", "a\nb\n\nc\n", 100).last.found, Found::kEnd) << "it is a part of the separator";
  EXPECT_EQ(read_all("%K %k%v\n", "3 a\nb c\n", 100).last.found, Found::kEnd) << "a field with a length may have anything in it";
}

TEST(FieldsHelp, names_every_field_that_the_direction_has) {
  const std::string written = fields_help(FormatUse::kWritten), read = fields_help(FormatUse::kRead);
  for (const char verb : std::string("tkvTKVpodeHhxyuia")) {
    const std::string line = std::string("  %") + verb + "  ";
    EXPECT_NE(written.find(line), std::string::npos) << verb;
    EXPECT_EQ(read.find(line) == std::string::npos, verb == 'u' || verb == 'i' || verb == 'a') << verb;
  }
}

TEST(InputFormat, numbers_of_a_record_are_read) {
  const auto format = InputFormat::parse("%p %d %o{hex8} %v\n");
  ASSERT_TRUE(format);
  const auto step = format->read("3 1700000000123 ff x\n", Source::kOpen);
  ASSERT_EQ(step.found, Found::kRecord);
  EXPECT_EQ(step.record.partition, 3);
  EXPECT_EQ(step.record.timestamp_ms, 1700000000123);
  EXPECT_EQ(*step.record.value, "x");
}

TEST(InputFormat, encoded_fields_are_decoded) {
  EXPECT_EQ(read_all("%k{hex} %v{base64}\n", "6b31 aGVsbG8=\n6B aGk\n", 3).records, (Rows{"-/k1/hello", "-/k/hi"}));
  EXPECT_EQ(read_all("%v{hex}\n", "6b3\n", 1).last.found, Found::kMismatch);
  EXPECT_EQ(read_all("%v{base64}\n", "a\n", 1).last.found, Found::kMismatch);
}

TEST(InputFormat, headers_are_read_by_their_number_and_lengths) {
  const auto format = InputFormat::parse("%H %h{%K %k=%V %v;}%v\n");
  ASSERT_TRUE(format) << format.error().message();
  const auto step = format->read("2 1 a=2 xy;1 b=0 ;rest\n", Source::kOpen);
  ASSERT_EQ(step.found, Found::kRecord);
  ASSERT_EQ(step.record.headers.size(), 2u);
  EXPECT_EQ(step.record.headers[0].key, "a");
  EXPECT_EQ(step.record.headers[0].value, "xy");
  EXPECT_EQ(step.record.headers[1].value, "");
  EXPECT_EQ(*step.record.value, "rest");
}

TEST(JsonLines, null_is_not_empty_and_what_consume_writes_is_read_again) {
  RecordView r = some_record();
  r.value.reset(), r.header_count = 0;
  std::string line;
  append_json_line(r, line);
  auto step = read_json_line(line, Source::kOpen);
  ASSERT_EQ(step.found, Found::kRecord);
  EXPECT_EQ(step.used, line.size());
  EXPECT_TRUE(step.record.null_value);
  EXPECT_EQ(step.record.key, "k1");
  EXPECT_EQ(step.record.topic, "orders");
  EXPECT_EQ(step.record.timestamp_ms, r.time.ms);
  step = read_json_line("\n {\"value\":\"\",\"headers\":[{\"key\":\"h\",\"value\":null},{\"key\":\"i\",\"value\":\"AP8=\",\"value_encoding\":\"base64\"}]}", Source::kEnded);
  ASSERT_EQ(step.found, Found::kRecord);
  EXPECT_FALSE(step.record.null_value);
  EXPECT_EQ(step.record.value, "");
  ASSERT_EQ(step.record.headers.size(), 2u);
  EXPECT_FALSE(step.record.headers[0].value);
  EXPECT_EQ(*step.record.headers[1].value, std::string_view("\0\xff", 2));
}

TEST(JsonLines, a_mistake_names_its_key_and_what_was_wanted) {
  const std::pair<const char*, const char*> cases[] = {
      {"{\"value\":\"a\",}", "is no JSON from byte 14 on"},
      {"[1]", "want an object with \"value\", have an array"},
      {"{\"value\":3}", "\"value\": want text or null, have a number"},
      {"{\"key\":[]}", "\"key\": want text or null, have an array"},
      {"{\"topic\":null}", "\"topic\": want text, have null"},
      {"{\"timestamp\":1.5}", "\"timestamp\": want a whole number of milliseconds, have 1.5"},
      {"{\"timestamp\":\"now\"}", "\"timestamp\": want a whole number of milliseconds, have text"},
      {"{\"partition\":-1}", "\"partition\": want a whole number from 0 on, have -1"},
      {"{\"partition\":4294967296}", "\"partition\": want a whole number from 0 on, have 4294967296"},
      {"{\"value\":\"x\",\"value_encoding\":\"hex\"}", "\"value_encoding\": want \"base64\", have \"hex\""},
      {"{\"value\":\"?\",\"value_encoding\":\"base64\"}", "\"value\": is not the base64 that \"value_encoding\" says"},
      {"{\"value_encoding\":\"base64\"}", "\"value_encoding\": there is no \"value\" beside it"},
      {"{\"vallue\":\"x\"}", "\"vallue\": no such key; did you mean \"value\"?"},
      {"{\"zzzzzz\":\"x\"}", "\"zzzzzz\": no such key; there are topic partition timestamp key value headers"},
      {"{\"value\":\"a\",\"value\":\"b\"}", "\"value\": is there twice in one object"},
      {"{\"value\":\"a\",\"v\\u0061lue\":\"a\"}", "\"value\": is there twice in one object"},
      {"{\"headers\":[{\"key\":\"a\"},{\"key\":\"b\",\"key\":\"c\"}]}", "\"key\": is there twice in one object"},
      {"{\"headers\":{}}", "\"headers\": want an array of {\"key\",\"value\"}, have an object"},
      {"{\"headers\":[{\"key\":\"a\"},{}]}", "\"headers\" item 2: \"key\" is missing"},
      {"{\"headers\":[{\"key\":null}]}", "\"headers\" item 1: \"key\": want text, have null"},
      {"{\"headers\":[{\"key\":\"a\",\"value\":{}}]}", "\"headers\" item 1: \"value\": want text or null, have an object"},
      {"{\"headers\":[{\"key\":\"a\",\"val\":1}]}", "\"headers\" item 1: \"val\": no such key; there are key value"},
  };
  for (const auto& [line, words] : cases) {
    const auto step = read_json_line(line, Source::kEnded);
    EXPECT_EQ(step.found, Found::kMismatch) << line;
    EXPECT_NE(step.why.find(words), std::string::npos) << line << " gave: " << step.why;
  }
}

TEST(JsonLines, a_partition_is_read_and_what_belongs_to_the_old_place_is_passed_over) {
  const auto step = read_json_line("{\"partition\":7,\"offset\":9,\"id\":\"x\",\"value\":\"v\"}", Source::kEnded);
  ASSERT_EQ(step.found, Found::kRecord) << step.why;
  EXPECT_EQ(step.record.partition, 7);
}

TEST(JsonLines, what_is_no_record_does_not_fit) {
  for (const char* line : {"{", "[]", "3", "{\"val\":\"x\"}", "{\"value\":3}", "{\"value\":\"x\",\"value_encoding\":\"hex\"}", "{\"headers\":[{}]}", "{\"headers\":[{\"key\":null}]}"})
    EXPECT_EQ(read_json_line(line, Source::kEnded).found, Found::kMismatch) << line;
  EXPECT_EQ(read_json_line("{\"value\"", Source::kOpen).found, Found::kNeedMore);
  EXPECT_EQ(read_json_line(" \n\n", Source::kEnded).found, Found::kEnd);
}

TEST(InputFormat, formats_that_cannot_be_read_are_refused) {
  const auto words = [](std::string_view format) {
    const auto parsed = InputFormat::parse(format);
    return parsed ? std::string("taken") : parsed.error().message();
  };
  EXPECT_NE(words("%k%v").find("side by side"), std::string::npos);
  EXPECT_NE(words("%v,%v").find("twice"), std::string::npos);
  EXPECT_NE(words("abc").find("reads nothing"), std::string::npos);
  EXPECT_NE(words("%u %v\n").find("not offered"), std::string::npos);
  EXPECT_NE(words("%v %V\n").find("before"), std::string::npos);
  EXPECT_NE(words("%h{%K%k}%v").find("%H"), std::string::npos);
  EXPECT_NE(words("%H %h{%k}%v").find("%K"), std::string::npos);
  EXPECT_NE(words("%V\n").find("%V is a length, and %v is not there"), std::string::npos);
}

TEST(InputFormat, what_would_be_read_for_nothing_is_refused) {
  const auto words = [](std::string_view format) {
    const auto parsed = InputFormat::parse(format);
    return parsed ? std::string("taken") : parsed.error().message();
  };
  for (const char* format : {"%T %v\n", "%K %v\n", "%V{4}%k\n"}) EXPECT_NE(words(format).find("is a length, and %"), std::string::npos) << format << words(format);
  EXPECT_NE(words("%K %v;").find("\n  %K %v;\n  ^^"), std::string::npos) << words("%K %v;");
  EXPECT_NE(words("%H %v\n").find("%H is a number of headers, and %h{...} is not there"), std::string::npos) << words("%H %v\n");
  EXPECT_NE(words("%H %h{%K %k %V}%v\n").find("%V is a length, and %v is not there"), std::string::npos);
  EXPECT_NE(words("%H %h{;}%v\n").find("%h{...} reads nothing"), std::string::npos) << words("%H %h{;}%v\n");
  EXPECT_NE(words("%i %v\n").find("%i is not offered here in what is read"), std::string::npos) << words("%i %v\n");
  EXPECT_NE(words("%p%o %v\n").find("two numbers side by side"), std::string::npos) << words("%p%o %v\n");
  EXPECT_EQ(words("%p{big32}%o{hex8}%e %v\n"), "taken");
}

}  // namespace
}  // namespace ion::cli
