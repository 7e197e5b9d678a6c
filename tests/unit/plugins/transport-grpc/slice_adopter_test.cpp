// Payload crosses between gRPC and us without being copied: pointers before and after are the same.
#include "io/slice_adopter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ion::transport_grpc {
namespace {

// Memory whose references are counted in the open, as a storage's lease would be.
struct Lease {
  std::string bytes;
  int references = 1;
  static void retain(void* owner) noexcept { ++static_cast<Lease*>(owner)->references; }
  static void release(void* owner) noexcept { --static_cast<Lease*>(owner)->references; }
  static constexpr ion_buf_ops kOps{sizeof(ion_buf_ops), ION_BUF_MAPPED, &Lease::retain, &Lease::release};
  Buf lend() { return Buf::adopt({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), &kOps, this}); }
};

std::vector<grpc::Slice> slices_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  return slices;
}
const uint8_t* start_of(const std::string& s) { return reinterpret_cast<const uint8_t*>(s.data()); }

grpc::ByteBuffer buffer_of(std::vector<grpc::Slice> slices) { return {slices.data(), slices.size()}; }

Message take_from(grpc::ByteBuffer received, const ReceiveRules& rules, TransportMetrics& metrics) { return take(received, rules, metrics); }

TEST(SliceAdopter, a_lease_becomes_a_slice_at_the_same_address_and_comes_back_once) {
  TransportMetrics metrics;
  Lease lease{std::string(100'000, 'x')};
  {
    OutMessage message{"head", {}};
    message.payload.push_back(lease.lend());
    const grpc::ByteBuffer buffer = adopt(std::move(message), metrics);
    const auto slices = slices_of(buffer);
    ASSERT_EQ(slices.size(), 2u);
    EXPECT_EQ(std::string(slices[0].begin(), slices[0].end()), "head");
    EXPECT_EQ(slices[1].begin(), start_of(lease.bytes));
    EXPECT_EQ(slices[1].size(), lease.bytes.size());
    EXPECT_EQ(lease.references, 1);
  }
  EXPECT_EQ(lease.references, 0);
}

TEST(SliceAdopter, a_small_lease_is_not_copied_either) {
  TransportMetrics metrics;
  Lease lease{"tiny"};
  OutMessage message;
  message.payload.push_back(lease.lend());
  const grpc::ByteBuffer buffer = adopt(std::move(message), metrics);
  EXPECT_EQ(slices_of(buffer).at(0).begin(), start_of(lease.bytes));
}

TEST(SliceAdopter, a_large_head_moves_instead_of_being_copied) {
  TransportMetrics metrics;
  std::string head(100'000, 'h');
  const uint8_t* const before = start_of(head);
  const grpc::ByteBuffer buffer = adopt({std::move(head), {}}, metrics);
  EXPECT_EQ(slices_of(buffer).at(0).begin(), before);
}

TEST(SliceAdopter, parts_of_a_large_message_point_into_the_slices_that_came) {
  TransportMetrics metrics;
  const grpc::Slice first(std::string(5'000, 'a')), second(std::string(6'000, 'b'));
  Message message = take_from(buffer_of({first, second}), {4'096, 8'192}, metrics);
  ASSERT_EQ(message.parts().size(), 2u);
  EXPECT_EQ(message.parts()[0].p, first.begin());
  EXPECT_EQ(message.parts()[1].p, second.begin());
  EXPECT_EQ(message.bytes(), 11'000u);
  EXPECT_EQ(message.held_bytes(), 11'000u + 8'192u) << "the read blocks at both ends stay alive too";
}

TEST(SliceAdopter, a_retained_part_outlives_its_message) {
  TransportMetrics metrics;
  Lease lease{std::string(5'000, 'z')};
  Buf kept;
  {
    OutMessage out;
    out.payload.push_back(lease.lend());
    Message message = take_from(adopt(std::move(out), metrics), {4'096, 8'192}, metrics);
    kept = Buf::share(message.parts()[0]);
  }
  EXPECT_EQ(lease.references, 1);
  EXPECT_EQ(kept.text(), lease.bytes);
  kept.reset();
  EXPECT_EQ(lease.references, 0);
}

TEST(SliceAdopter, a_small_message_is_copied_and_lets_its_read_block_go) {
  TransportMetrics metrics;
  Lease lease{std::string(4'095, 'z')};
  OutMessage out;
  out.payload.push_back(lease.lend());
  Message message = take_from(adopt(std::move(out), metrics), {4'096, 8'192}, metrics);
  EXPECT_EQ(lease.references, 0);
  ASSERT_EQ(message.parts().size(), 1u);
  EXPECT_EQ(text_of(span_of(message.parts()[0])), lease.bytes);
  EXPECT_EQ(message.held_bytes(), 4'095u);
}

TEST(SliceAdopter, tiny_slices_that_hold_their_bytes_in_themselves_stay_readable) {
  TransportMetrics metrics;
  const grpc::Slice tiny("abc", 3), more("defgh", 5);
  Message message = take_from(buffer_of({tiny, more}), {0, 8'192}, metrics);  // nothing is copied
  Message moved = std::move(message);
  EXPECT_EQ(moved.joined(), "abcdefgh");
}

TEST(SliceAdopter, an_empty_message_is_a_message) {
  TransportMetrics metrics;
  Message message = take_from(grpc::ByteBuffer(), {4'096, 8'192}, metrics);
  EXPECT_TRUE(message);
  EXPECT_EQ(message.bytes(), 0u);
}

}  // namespace
}  // namespace ion::transport_grpc
