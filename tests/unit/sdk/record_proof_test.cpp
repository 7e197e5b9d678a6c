// Batches whose checksum is right and whose records are not: each field of a record is proved before anybody acknowledges it.
#include <ion/record_proof.h>
#include <ion/record_reader.h>
#include <ion/record_writer.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace ion::batch {
namespace {

using Text = std::string;

Text number(int64_t v) {
  Text to;
  uint64_t u = zigzag(v);
  for (; u >= 0x80; u >>= 7) to += static_cast<char>(u | 0x80);
  return to += static_cast<char>(u);
}
Text field(std::string_view bytes) { return number(static_cast<int64_t>(bytes.size())) + Text(bytes); }
Text framed(const Text& body) { return number(static_cast<int64_t>(body.size())) + body; }
const Text kNull = number(-1);

// The body of a record: attributes, time delta, offset delta, then what the test says.
Text body(int64_t time_delta, int64_t offset_delta, const Text& rest) { return Text(1, '\0') + number(time_delta) + number(offset_delta) + rest; }
Text plain(std::string_view value, int64_t offset_delta = 0, int64_t time_delta = 0) {
  return framed(body(time_delta, offset_delta, kNull + field(value) + number(0)));
}

struct Times {
  int64_t base = 1000, max = 1000;
};

class RecordProofTest : public ::testing::Test {
 protected:
  // Header and checksum around `records`.
  static std::vector<uint8_t> batch_of(const Text& records, int32_t count, Times times = {}, uint16_t attributes = 0) {
    std::vector<uint8_t> bytes(kHeaderBytes + records.size());
    std::copy(records.begin(), records.end(), bytes.begin() + kHeaderBytes);
    Header h;
    h.length = static_cast<int32_t>(bytes.size() - kLengthEnd);
    h.attributes = attributes;
    h.count = count, h.last_offset_delta = count - 1;
    h.base_time = {times.base}, h.max_time = {times.max};
    h.producer = {-1}, h.producer_epoch = {-1};
    write_header(bytes.data(), h);
    store_big<uint32_t>(bytes.data() + kCrcAt, crc32c::of(std::span<const uint8_t>(bytes).subspan(kCrcFrom)));
    return bytes;
  }
  // In one part, in two at every place, and byte by byte: the answer is the same.
  static Status proved(const std::vector<uint8_t>& bytes, uint64_t record_bytes_max = 1 << 20) {
    const ion_buf whole = borrowed(bytes);
    const auto header = check({&whole, 1}, 16 << 20, From::kClient);
    if (!header) return header.error();
    Status first = prove_records({&whole, 1}, *header, record_bytes_max);
    const std::span<const uint8_t> all(bytes);
    std::vector<ion_buf> single;
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      const std::vector<ion_buf> two{borrowed(all.first(cut)), borrowed({}), borrowed(all.subspan(cut))};
      EXPECT_EQ(prove_records(two, *header, record_bytes_max).text(), first.text()) << "cut at " << cut;
      single.push_back(borrowed(all.subspan(cut, 1)));
    }
    EXPECT_EQ(prove_records(single, *header, record_bytes_max).text(), first.text());
    return first;
  }
  static void refused(const Text& records, int32_t count, const Text& words, const Text& reason = "CORRUPT_BATCH", Times times = {}) {
    const Status status = proved(batch_of(records, count, times));
    EXPECT_EQ(status.code(), ION_E_INVALID) << words;
    EXPECT_EQ(status.reason(), reason) << status.message();
    EXPECT_NE(status.message().find(words), Text::npos) << status.message();
  }
};

TEST_F(RecordProofTest, what_the_writer_makes_is_believed_in_any_number_of_parts) {
  RecordWriter writer;
  const Text value(300, 'v');
  const std::vector<RecordHeader> headers{{"absent", std::nullopt}, {"empty", std::span<const uint8_t>()}, {"schl\xc3\xbcssel", span_of(value)}};
  for (int i = 0; i < 70; ++i) {
    NewRecord r;
    if (i % 2 == 0) r.key = span_of("k");
    if (i % 3 != 0) r.value = span_of(value);
    r.time = {5000 + (i * 7919) % 100 - 50};
    r.headers = std::span<const RecordHeader>(headers).first(static_cast<size_t>(i % 4));
    writer.append(r);
  }
  EXPECT_TRUE(proved(writer.finish()).ok());
}

// A record that is followed by many bytes of its piece is judged by shorter code than one that is not.
TEST_F(RecordProofTest, any_byte_of_a_record_at_any_value_is_judged_alike_in_one_part_and_byte_by_byte) {
  const Text keyed = framed(body(3, 1, field("key") + field("value") + number(0)));
  const Text headed = framed(body(-2, 2, kNull + field(Text(70, 'v')) + number(1) + field("h") + field("x")));
  const Text records = plain("first") + keyed + headed + plain(Text(200, 'l'), 3, 5);
  const auto good = batch_of(records, 4, {1000, 1005});
  const ion_buf whole = borrowed(good);
  const auto header = check({&whole, 1}, 16 << 20, From::kClient);
  ASSERT_TRUE(header) << header.error().text();
  ASSERT_TRUE(prove_records({&whole, 1}, *header, 1 << 20).ok());
  std::vector<uint8_t> bad = good;
  std::vector<ion_buf> single;
  for (uint8_t& byte : bad) single.push_back(borrowed(std::span<const uint8_t>(&byte, 1)));
  const ion_buf one_part = borrowed(bad);
  size_t refused = 0;
  for (size_t at = kHeaderBytes; at < kHeaderBytes + records.size() - 150; ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      bad[at] = static_cast<uint8_t>(value);
      const Status judged = prove_records({&one_part, 1}, *header, 100);
      ASSERT_EQ(judged.text(), prove_records(single, *header, 100).text()) << "byte " << at << " is " << value;
      if (!judged.ok()) ++refused;
    }
    bad[at] = good[at];
  }
  EXPECT_GT(refused, 5000u);
}

TEST_F(RecordProofTest, a_count_above_the_records_there_is_refused) {
  refused(plain("only") + Text(14, '\0'), 3, "record 1 of 3");
}

TEST_F(RecordProofTest, lengths_that_run_past_batch_or_record_are_refused) {
  refused(number(500) + Text(30, 'z'), 1, "record 0 of 1: its length is 500 bytes");
  refused(number(-4) + Text(30, 'z'), 1, "its length is -4");
  refused(framed(body(0, 0, kNull + number(60) + "zzzzz")), 1, "the length of its value is 60");
  refused(framed(body(0, 0, number(60) + "zzzzz")), 1, "the length of its key is 60");
  refused(framed(body(0, 0, kNull + number(-2) + number(0))), 1, "the length of its value is -2");
  refused(Text(12, '\xff'), 1, "its length is no number");
}

TEST_F(RecordProofTest, bytes_behind_the_last_field_or_record_are_refused) {
  refused(plain("v") + Text(32, '\xde'), 1, "32 bytes stand behind the last of its 1 records");
  refused(framed(body(0, 0, kNull + field("v") + number(0) + "junk")), 1, "4 bytes stand behind its last field");
}

TEST_F(RecordProofTest, a_header_needs_a_key_of_utf8_and_bytes_that_are_there) {
  const auto with = [](const Text& headers) { return framed(body(0, 0, kNull + field("v") + headers)); };
  refused(with(number(-3) + Text(4, '\0')), 1, "its header count is -3");
  refused(with(number(9) + field("k") + kNull), 1, "its header count is 9");
  refused(with(number(1) + number(-1) + field("v")), 1, "the key length of its header 0 is -1");
  refused(with(number(2) + field("k") + kNull + number(50) + "k" + kNull), 1, "the key length of its header 1 is 50");
  refused(with(number(1) + field("k") + number(-2)), 1, "the value length of its header 0 is -2");
  refused(with(number(1) + field("k") + number(50)), 1, "the value length of its header 0 is 50");
  for (const char* key : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"})
    refused(with(number(1) + field(key) + kNull), 1, "the key of its header 0 is not UTF-8");
  for (const char* key : {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(proved(batch_of(with(number(1) + field(key) + kNull), 1)).ok()) << key;
}

TEST_F(RecordProofTest, offset_deltas_count_from_zero_without_a_gap) {
  refused(plain("a", 0) + plain("b", 0), 2, "record 1 of 2: its offset delta is 0, want 1");
  refused(plain("a", 1) + plain("b", 0), 2, "record 0 of 2: its offset delta is 1, want 0");
}

TEST_F(RecordProofTest, attributes_that_nobody_defined_are_refused) {
  refused(framed("\x01" + number(0) + number(0) + kNull + field("v") + number(0)), 1, "its attributes are 1");
}

TEST_F(RecordProofTest, times_agree_with_the_header) {
  const Text mixed = plain("a", 0) + plain("b", 1, -500) + plain("c", 2, 700);
  EXPECT_TRUE(proved(batch_of(mixed, 3, {1000, 1700})).ok()) << "the first need not be the earliest";
  refused(mixed, 3, "record 2 of 3: its timestamp delta is 700", "INVALID_TIMESTAMP", {1000, 1600});
  refused(mixed, 3, "its max timestamp is 1800, the latest record has 1700", "INVALID_TIMESTAMP", {1000, 1800});
  refused(plain("a", 0, -10) + plain("b", 1), 2, "its timestamp delta is -10", "INVALID_TIMESTAMP", {5, 5});
  refused(plain("a", 0, INT64_MAX), 1, "its timestamp delta", "INVALID_TIMESTAMP");
}

TEST_F(RecordProofTest, a_batch_without_times_is_believed_and_one_with_times_that_no_clock_shows_is_not) {
  EXPECT_TRUE(proved(batch_of(plain("none"), 1, {-1, -1})).ok());
  refused(plain("a") + plain("b", 1, 1), 2, "its timestamp delta is 1", "INVALID_TIMESTAMP", {-1, -1});
  for (const Times times : {Times{-5, -5}, Times{1'700'000'000'000'000'000, 1'700'000'000'000'000'000}, Times{9, 8}, Times{-1, 8}})
    refused(plain("x"), 1, "have base " + std::to_string(times.base), "INVALID_TIMESTAMP", times);
}

TEST_F(RecordProofTest, one_record_above_the_limit_is_named) {
  const Text large(2000, 'x');
  const auto bytes = batch_of(plain("small") + plain(large, 1), 2);
  EXPECT_TRUE(proved(bytes, 2000).ok());
  const Status status = proved(bytes, 1999);
  EXPECT_EQ(status.reason(), "RECORD_TOO_LARGE");
  EXPECT_NE(status.message().find("record 1 of 2: it has 2000 bytes, at most 1999"), Text::npos) << status.message();
}

TEST_F(RecordProofTest, a_brokers_batch_may_have_lost_records_but_not_their_order) {
  const auto gaps = [](const Text& records, int32_t count, int32_t last) {
    auto bytes = batch_of(records, 1);
    Header h = read_header(bytes.data());
    h.count = count, h.last_offset_delta = last;
    const ion_buf part = borrowed(bytes);
    return prove_records({&part, 1}, h, 1 << 20, Deltas::kMayHaveGaps).code();
  };
  EXPECT_EQ(gaps(plain("a", 1) + plain("b", 4), 2, 5), ION_OK);
  EXPECT_EQ(gaps("", 0, 5), ION_OK);
  EXPECT_EQ(gaps(plain("a", 4) + plain("b", 1), 2, 5), ION_E_INVALID);
  EXPECT_EQ(gaps(plain("a", 1) + plain("b", 6), 2, 5), ION_E_INVALID);
}

TEST_F(RecordProofTest, compressed_batches_are_unsupported_and_not_called_damaged) {
  const Status status = proved(batch_of("anything at all", 1, {}, 1));
  EXPECT_EQ(status.code(), ION_E_UNSUPPORTED);
  EXPECT_EQ(status.reason(), "COMPRESSION");
}

// What seven clients write into the fields that a producer without idempotence could fill as it likes, captured by a broker that only
// listens (versions of November 2026). "No producer" is one field; epoch and sequence beside it mean nothing.
TEST_F(RecordProofTest, the_header_fields_of_seven_clients_are_all_taken) {
  struct Sent {
    const char* client;
    int64_t producer;
    int16_t epoch;
    int32_t sequence, leader_epoch;
    int64_t first_delta, second_delta, base;  // records of 5000 and 3000 ms, from a base that is the first or the smallest
  };
  constexpr Sent kSent[] = {
      {"Java 4.4", 41, 0, 0, -1, 0, -2000, 5000},        {"franz-go 1.22", 41, 0, 0, -1, 0, -2000, 5000},
      {"librdkafka 2.16", -1, -1, -1, 0, 0, -2000, 5000}, {"sarama 1.61", -1, -1, 0, 0, 0, -2000, 5000},
      {"aiokafka 0.14", -1, -1, 0, -1, 0, -2000, 5000},   {"kafkajs 2.2", -1, 0, 0, 0, 2000, 0, 3000},
      {"kafka-python 3.0", 41, 0, 0, 0, 0, -2000, 5000},
  };
  for (const Sent& sent : kSent) {
    std::vector<uint8_t> bytes = batch_of(plain("a", 0, sent.first_delta) + plain("b", 1, sent.second_delta), 2, {sent.base, 5000});
    Header h = read_header(bytes.data());
    h.producer = {sent.producer}, h.producer_epoch = {sent.epoch}, h.base_sequence = sent.sequence, h.leader_epoch = {sent.leader_epoch};
    write_header(bytes.data(), h);
    store_big<uint32_t>(bytes.data() + kCrcAt, crc32c::of(std::span<const uint8_t>(bytes).subspan(kCrcFrom)));
    EXPECT_EQ(proved(bytes).text(), Status().text()) << sent.client;
  }
}

}  // namespace
}  // namespace ion::batch
