#include "core/wire.h"

#include <gtest/gtest.h>

namespace ion::client::wire {
namespace {

using Bytes = std::span<const uint8_t>;

void put_number(std::string& to, uint32_t field, uint64_t value) { WireWriter(to).present(field, value); }
void put_text(std::string& to, uint32_t field, std::string_view text) { WireWriter(to).message(field, text); }
// Tags of fields up to 2047, for what WireWriter does not write.
void put_tag(std::string& to, uint32_t field, WireType type) {
  const uint32_t tag = field << 3 | static_cast<uint32_t>(type);
  to += static_cast<char>(tag | 0x80);
  to += static_cast<char>(tag >> 7);
}

// The same bytes cut into pieces of n.
std::vector<Bytes> cut(const std::string& bytes, size_t n) {
  std::vector<Bytes> out;
  for (size_t at = 0; at < bytes.size(); at += n) out.push_back(span_of(std::string_view(bytes).substr(at, n)));
  return out;
}

std::string frame_bytes(std::string_view records) {
  std::string out;
  put_text(out, 1, "orders");
  put_number(out, 2, 3);
  put_number(out, 3, 100);
  put_number(out, 4, 117);
  put_number(out, 5, 40);
  put_number(out, 6, 120);
  put_number(out, 7, 9);
  put_text(out, 9, "session-1");
  put_text(out, 15, records);
  return out;
}

TEST(Wire, writes_a_produce_head_that_ends_where_the_records_begin) {
  const std::string head = produce_head({"ab", {5}, ProducerLimits::Promise::kIdempotent, 300}, 1000);
  EXPECT_EQ(head, std::string("\x0a\x02" "ab" "\x10\x05" "\x18\x03" "\x20\xac\x02" "\x7a\xe8\x07", 14));
}

TEST(Wire, a_produce_head_names_the_topic_that_is_meant) {
  Uuid id;
  for (size_t i = 0; i < 16; ++i) id.bytes[i] = static_cast<uint8_t>(i);
  const std::string head = produce_head({"ab", {5}, ProducerLimits::Promise::kIdempotent, 1, id}, 1);
  EXPECT_EQ(head, std::string("\x0a\x02" "ab" "\x10\x05" "\x18\x03" "\x20\x01" "\x42\x10", 12) + std::string(id.bytes.begin(), id.bytes.end()) + "\x7a\x01");
}

TEST(Wire, reads_a_frame_however_it_is_cut) {
  const std::string records(5000, 'r');
  const std::string bytes = frame_bytes(records);
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{7}, size_t{4096}, bytes.size()}) {
    const auto pieces = cut(bytes, piece);
    const auto frame = read_frame(pieces);
    ASSERT_TRUE(frame) << "pieces of " << piece;
    EXPECT_EQ(frame->topic, "orders");
    EXPECT_EQ(frame->partition.v, 3);
    EXPECT_EQ(frame->base_offset.v, 100);
    EXPECT_EQ(frame->next_offset.v, 117);
    EXPECT_EQ(frame->log_start.v, 40);
    EXPECT_EQ(frame->high_watermark.v, 120);
    EXPECT_EQ(frame->log.v, 9u);
    EXPECT_EQ(frame->session, "session-1");
    EXPECT_EQ(frame->records.text(), records);
  }
}

TEST(Wire, passes_over_fields_that_it_does_not_know) {
  std::string bytes;
  put_number(bytes, 77, 5);
  put_text(bytes, 78, "whatever");
  put_tag(bytes, 79, WireType::kFixed64);
  bytes.append(8, 'x');
  put_tag(bytes, 80, WireType::kFixed32);
  bytes.append(4, 'x');
  put_number(bytes, 4, 12);
  const auto pieces = cut(bytes, 3);
  const auto frame = read_frame(pieces);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->next_offset.v, 12);
}

TEST(Wire, refuses_every_truncated_frame) {
  const std::string whole = frame_bytes("0123456789");
  size_t refused = 0;
  for (size_t n = 1; n < whole.size(); ++n) {
    const std::string part = whole.substr(0, n);
    const auto pieces = cut(part, 4);
    refused += read_frame(pieces) ? 0 : 1;
  }
  EXPECT_GT(refused, whole.size() / 2) << "only cuts between two fields can be read";
  const std::string lie = [] {
    std::string s;
    WireWriter(s).begin_bytes(15, UINT64_MAX);
    return s;
  }();
  const auto pieces = cut(lie, 4);
  EXPECT_FALSE(read_frame(pieces)) << "a length beyond the message allocates nothing";
}

TEST(Wire, refuses_a_number_that_never_ends) {
  const std::string bytes = "\x10" + std::string(11, '\xff');
  const auto pieces = cut(bytes, 5);
  EXPECT_FALSE(read_frame(pieces));
}

TEST(Wire, an_empty_frame_is_a_sign_of_life) {
  const auto frame = read_frame({});
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->records.empty());
}

}  // namespace
}  // namespace ion::client::wire
