// Plain messages to batches and back.
#include "io/message_codec.h"

#include <codecs/batches.h>
#include <ion/message_id.h>
#include <ion/record_reader.h>
#include <ion/record_writer.h>
#include <ionstream/v1/fetch.pb.h>
#include <ionstream/v1/produce.pb.h>

#include <gtest/gtest.h>

namespace ion::transport_grpc {
namespace {

namespace v1 = ionstream::v1;

std::string two_messages() {
  v1::ProduceRequest request;
  v1::StreamMessage* a = request.add_messages();
  a->set_key("k");
  a->set_value("first");
  a->set_timestamp_ms(5'000);
  v1::RecordHeader* header = a->add_headers();
  header->set_key("h");
  header->set_value("v");
  v1::StreamMessage* b = request.add_messages();  // no key, no value: a tombstone
  b->set_timestamp_ms(4'000);
  return request.SerializeAsString();
}

std::vector<uint8_t> batch_of(const std::string& request, const batch::Identity& identity = {}) {
  auto messages = PlainMessages::parse(request);
  EXPECT_TRUE(messages);
  std::vector<uint32_t> all(messages->size());
  for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  return messages->batch(all, {9'000}, identity);
}

v1::FetchResponse decoded(const std::string& batches, const DecodeWish& wish, int64_t* next = nullptr) {
  const auto result = decode_messages(batches, wish);
  EXPECT_TRUE(result) << result.error().text();
  v1::FetchResponse response;
  if (!result) return response;
  EXPECT_TRUE(response.ParseFromString(result->messages));
  if (next != nullptr) *next = result->next_offset;
  return response;
}

// As a log would hold it: the batch begins at `base`.
std::string stored(std::vector<uint8_t> bytes, int64_t base) {
  batch::store_big<int64_t>(bytes.data(), base);
  return {bytes.begin(), bytes.end()};
}

TEST(MessageCodec, a_batch_of_plain_messages_is_one_the_kernel_believes) {
  const auto bytes = batch_of(two_messages(), {{77}, {2}, 5});
  const ion_buf one = borrowed(bytes);
  const auto header = batch::check({&one, 1}, 1 << 20, batch::From::kClient);
  ASSERT_TRUE(header) << header.error().text();
  EXPECT_EQ(header->count, 2);
  EXPECT_EQ(header->producer.v, 77);
  EXPECT_EQ(header->producer_epoch.v, 2);
  EXPECT_EQ(header->base_sequence, 5);
}

TEST(MessageCodec, what_goes_in_comes_out_with_offset_id_time_and_headers) {
  const auto response = decoded(stored(batch_of(two_messages()), 100), {3, 100, 42, 1 << 20});
  ASSERT_EQ(response.messages_size(), 2);
  const v1::StreamMessage& a = response.messages(0);
  EXPECT_EQ(a.key(), "k");
  EXPECT_EQ(a.value(), "first");
  EXPECT_EQ(a.timestamp_ms(), 5'000);
  EXPECT_EQ(a.partition(), 3);
  EXPECT_EQ(a.offset(), 100);
  EXPECT_EQ(a.id(), message_id::make({5'000}, {100}, {42}).text());
  ASSERT_EQ(a.headers_size(), 1);
  EXPECT_EQ(a.headers(0).key(), "h");
  EXPECT_EQ(a.headers(0).value(), "v");
  const v1::StreamMessage& b = response.messages(1);
  EXPECT_FALSE(b.has_key());
  EXPECT_FALSE(b.has_value());
  EXPECT_EQ(b.offset(), 101);
  EXPECT_EQ(b.timestamp_ms(), 4'000);
}

TEST(MessageCodec, a_message_without_a_time_gets_the_brokers) {
  v1::ProduceRequest request;
  request.add_messages()->set_value("v");
  EXPECT_EQ(decoded(stored(batch_of(request.SerializeAsString()), 0), {0, 0, 0, 1 << 20}).messages(0).timestamp_ms(), 9'000);
}

TEST(MessageCodec, records_below_the_asked_offset_are_left_out) {
  int64_t next = 0;
  const auto response = decoded(stored(batch_of(two_messages()), 100), {0, 101, 0, 1 << 20}, &next);
  ASSERT_EQ(response.messages_size(), 1);
  EXPECT_EQ(response.messages(0).offset(), 101);
  EXPECT_EQ(next, 102);
}

TEST(MessageCodec, stops_at_the_limit_of_bytes_and_says_where_to_go_on) {
  const std::string log = stored(batch_of(two_messages()), 100) + stored(batch_of(two_messages()), 102);
  int64_t next = 100;
  std::vector<int64_t> offsets;
  for (int rounds = 0; rounds < 4; ++rounds) {
    const auto response = decoded(log, {0, next, 0, 1}, &next);
    ASSERT_EQ(response.messages_size(), 1) << "one record passes whatever the limit";
    offsets.push_back(response.messages(0).offset());
  }
  EXPECT_EQ(offsets, (std::vector<int64_t>{100, 101, 102, 103}));
  EXPECT_EQ(next, 104);
}

TEST(MessageCodec, opens_compressed_batches_among_others) {
  const std::string plain = stored(batch_of(two_messages()), 100), line(1000, 'x');
  batch::RecordWriter writer;
  for (int i = 0; i < 2; ++i) writer.append({std::nullopt, span_of(line), {5'000}, {}});
  codecs::Compressor by;
  const auto packed = codecs::compress_batch(by, codecs::Codec::kZstd, codecs::kDefaultLevel, writer.finish());
  ASSERT_TRUE(packed && !packed->empty());
  int64_t next = 0;
  const auto response = decoded(plain + stored({packed->data(), packed->data() + packed->size()}, 102) + stored(batch_of(two_messages()), 104), {0, 101, 0, 1 << 20}, &next);
  ASSERT_EQ(response.messages_size(), 5);
  EXPECT_EQ(response.messages(1).offset(), 102);
  EXPECT_EQ(response.messages(2).value(), line);
  EXPECT_EQ(response.messages(3).offset(), 104);
  EXPECT_EQ(next, 106);
}

std::string packed(size_t records, int64_t base) {
  batch::RecordWriter writer;
  const std::string line(1000, 'x');
  for (size_t i = 0; i < records; ++i) writer.append({std::nullopt, span_of(line), {5'000}, {}});
  codecs::Compressor by;
  const auto made = codecs::compress_batch(by, codecs::Codec::kZstd, codecs::kDefaultLevel, writer.finish());
  EXPECT_TRUE(made && !made->empty());
  return stored({made->data(), made->data() + made->size()}, base);
}

TEST(MessageCodec, gives_no_more_of_an_opened_batch_than_was_asked_for_and_opens_it_once) {
  const std::string log = packed(100, 0) + packed(100, 100);
  OpenedBatch kept;
  int admitted = 0;
  int64_t next = 0;
  for (int rounds = 0; next < 200; ++rounds) {
    ASSERT_LT(rounds, 60);
    const auto result = decode_messages(log.substr(next < 100 ? 0 : packed(100, 0).size()), {0, next, 0, 1 << 20, 5'000, [&](uint64_t) { return ++admitted, Status(); }}, &kept);
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_TRUE(result->opened);
    EXPECT_LE(result->messages.size(), 5'000u);
    EXPECT_GT(result->next_offset, next);
    next = result->next_offset;
    if (next == 200) {
      EXPECT_TRUE(kept.bytes.empty()) << "read to its end";
    }
  }
  EXPECT_LE(admitted, 6) << "opened again for each piece";
}

TEST(MessageCodec, a_batch_for_which_there_is_no_memory_is_no_damage) {
  const auto full = [](uint64_t) { return Status(ION_E_OVERLOADED, "full"); };
  const auto none = decode_messages(packed(100, 0), {0, 0, 0, 1 << 20, 0, full});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ION_E_OVERLOADED);
  const auto some = decode_messages(stored(batch_of(two_messages()), 0) + packed(100, 2), {0, 0, 0, 1 << 20, 0, full});
  ASSERT_TRUE(some) << "what came before it is given";
  EXPECT_EQ(some->next_offset, 2);
}

TEST(MessageCodec, a_compressed_batch_that_cannot_be_opened_is_corrupt) {
  auto bytes = batch_of(two_messages());
  batch::store_big<uint16_t>(bytes.data() + 21, 4);  // zstd
  const auto result = decode_messages(stored(bytes, 0), {0, 0, 0, 1 << 20});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ION_E_CORRUPT);
}

TEST(MessageCodec, damaged_batches_are_an_error_at_every_length) {
  const std::string whole = stored(batch_of(two_messages()), 0);
  for (size_t n = 1; n < whole.size(); ++n) {
    const auto result = decode_messages(std::string_view(whole).substr(0, n), {0, 0, 0, 1 << 20});
    ASSERT_FALSE(result) << n;
    EXPECT_EQ(result.error().code(), ION_E_CORRUPT);
  }
}

TEST(MessageCodec, a_time_before_1970_is_refused_with_its_place) {
  v1::ProduceRequest request;
  request.add_messages()->set_value("v");
  request.add_messages()->set_timestamp_ms(-1);
  const auto messages = PlainMessages::parse(request.SerializeAsString());
  ASSERT_FALSE(messages);
  EXPECT_NE(messages.error().message().find("message 1"), std::string::npos);
}

TEST(MessageCodec, bytes_that_are_no_request_are_refused) {
  const auto messages = PlainMessages::parse("\x72\x05hello");
  ASSERT_FALSE(messages);
  EXPECT_EQ(messages.error().reason(), "MALFORMED_MESSAGE");
}

}  // namespace
}  // namespace ion::transport_grpc
