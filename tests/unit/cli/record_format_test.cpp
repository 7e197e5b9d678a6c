#include "core/record_format.h"

#include <gtest/gtest.h>

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
  EXPECT_NE(refusal("%v{hex}").find("modifiers"), std::string::npos);
  EXPECT_NE(refusal("%e").find("not offered"), std::string::npos);
}

TEST(OutputFormat, it_knows_which_bytes_it_shows) {
  EXPECT_TRUE(OutputFormat::parse("%V")->shows_value());
  EXPECT_TRUE(OutputFormat::parse("%k")->shows_key());
  const auto neither = OutputFormat::parse("%p %o kv");
  EXPECT_FALSE(neither->shows_key() || neither->shows_value());
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

TEST(InputFormat, formats_that_cannot_be_read_are_refused) {
  const auto words = [](std::string_view format) {
    const auto parsed = InputFormat::parse(format);
    return parsed ? std::string("taken") : parsed.error().message();
  };
  EXPECT_NE(words("%k%v").find("side by side"), std::string::npos);
  EXPECT_NE(words("%v,%v").find("twice"), std::string::npos);
  EXPECT_NE(words("abc").find("reads nothing"), std::string::npos);
  EXPECT_NE(words("%o %v\n").find("not offered"), std::string::npos);
}

}  // namespace
}  // namespace ion::cli
