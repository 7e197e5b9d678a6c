// The wire format by hand: what it writes protobuf reads, what protobuf writes it reads, and foreign bytes cannot hurt it.
#include "core/wire.h"

#include <ionstream/v1/produce.pb.h>

#include <gtest/gtest.h>

#include <vector>

namespace ion::transport_grpc {
namespace {

ion_buf part(std::string_view s) { return borrowed(span_of(s)); }

// The message cut into pieces of n bytes, with an empty piece between each two.
std::vector<ion_buf> cut(std::string_view bytes, size_t n) {
  std::vector<ion_buf> parts;
  for (size_t at = 0; at < bytes.size(); at += n) parts.push_back(part(bytes.substr(at, n))), parts.push_back(part({}));
  return parts;
}

std::string joined(std::span<const ion_buf> parts) {
  std::string s;
  for (const ion_buf& p : parts) s += text_of(span_of(p));
  return s;
}

TEST(Wire, reads_what_protobuf_wrote_however_it_is_cut_into_parts) {
  ionstream::v1::ProduceRequest request;
  request.set_topic("orders");
  request.set_partition(-1);
  request.set_correlation(UINT64_MAX);
  request.set_records(std::string(300, 'r'));
  const std::string bytes = request.SerializeAsString();
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    SCOPED_TRACE(piece);
    const auto parts = cut(bytes, piece);
    WireReader reader(parts);
    WireField f;
    ASSERT_TRUE(reader.next(f));
    EXPECT_TRUE(f.is(1, WireType::kBytes));
    EXPECT_EQ(reader.text(f, 100), "orders");
    ASSERT_TRUE(reader.next(f));
    EXPECT_EQ(static_cast<int32_t>(f.value), -1);
    ASSERT_TRUE(reader.next(f));
    EXPECT_EQ(f.value, UINT64_MAX);
    ASSERT_TRUE(reader.next(f));
    EXPECT_TRUE(f.is(15, WireType::kBytes));
    EXPECT_EQ(f.n, 300u);
    EXPECT_EQ(f.at + f.n, bytes.size());
    EXPECT_FALSE(reader.next(f));
    EXPECT_FALSE(reader.failed());
  }
}

TEST(Wire, writes_what_protobuf_reads) {
  std::string bytes;
  WireWriter w(bytes);
  w.text(1, "orders");
  w.present(2, 0);
  w.number(4, 1u << 31);
  w.signed_number(6, -7);
  w.begin_bytes(15, 3);
  bytes += "abc";
  ionstream::v1::ProduceRequest request;
  ASSERT_TRUE(request.ParseFromString(bytes));
  EXPECT_EQ(request.topic(), "orders");
  EXPECT_TRUE(request.has_partition());
  EXPECT_EQ(request.partition(), 0);
  EXPECT_EQ(request.correlation(), 1u << 31);
  EXPECT_EQ(request.producer_epoch(), -7);
  EXPECT_EQ(request.records(), "abc");
}

TEST(Wire, every_shortened_message_ends_cleanly_or_fails_with_words) {
  ionstream::v1::ProduceRequest request;
  request.set_topic("orders");
  request.set_correlation(300);
  request.set_records("0123456789");
  const std::string bytes = request.SerializeAsString();
  size_t failures = 0;
  for (size_t n = 0; n < bytes.size(); ++n) {
    const ion_buf one = part(std::string_view(bytes).substr(0, n));
    WireReader reader({&one, 1});
    WireField f;
    while (reader.next(f)) EXPECT_LE(f.at + f.n, n);
    if (!reader.failed()) continue;
    ++failures;
    EXPECT_EQ(reader.status("ProduceRequest").code(), ION_E_INVALID);
    EXPECT_NE(reader.status("ProduceRequest").message().find("ProduceRequest"), std::string::npos);
  }
  EXPECT_GT(failures, bytes.size() / 2);
}

TEST(Wire, refuses_what_is_no_message) {
  const std::string_view bad[] = {
      std::string_view("\x00\x01", 2),                                  // field number 0
      "\x0b",                                                           // a group
      "\x0f\x01",                                                       // wire type 7
      "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",                   // a length of 2^64 - 1
      "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",                   // a varint of 65 bits
      "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",               // one without an end
      "\x09\x01\x02",                                                   // half a fixed64
  };
  for (const std::string_view bytes : bad) {
    const ion_buf one = part(bytes);
    WireReader reader({&one, 1});
    WireField f;
    while (reader.next(f)) {
    }
    EXPECT_TRUE(reader.failed()) << testing::PrintToString(std::string(bytes));
  }
}

TEST(Wire, narrows_parts_to_every_range_without_moving_a_byte) {
  const std::string bytes = "0123456789abcdef";
  for (size_t piece = 1; piece <= 5; ++piece)
    for (size_t at = 0; at <= bytes.size(); ++at)
      for (size_t n = 0; at + n <= bytes.size(); ++n) {
        auto parts = cut(bytes, piece);
        const auto narrowed = narrow(parts, at, n);
        ASSERT_EQ(joined(narrowed), bytes.substr(at, n)) << piece << " " << at << " " << n;
        if (n == 0) continue;
        EXPECT_EQ(narrowed.front().p, reinterpret_cast<const uint8_t*>(bytes.data()) + at);
      }
}

}  // namespace
}  // namespace ion::transport_grpc
