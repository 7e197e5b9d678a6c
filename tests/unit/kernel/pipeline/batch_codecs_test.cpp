#include "pipeline/batch_codecs.h"

#include "support/batch_builder.h"

#include <codecs/batches.h>
#include <ion/record_reader.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ion::pipeline {
namespace {

std::vector<uint8_t> lines(size_t n) {
  std::vector<std::string> values;
  for (size_t i = 0; i < n; ++i) values.push_back("order " + std::to_string(i) + " of somebody");
  return test::make_batch({7}, values).bytes;
}
Buf compressed(const std::vector<uint8_t>& whole) {
  codecs::Compressor by;
  Result<Buf> made = codecs::compress_batch(by, codecs::Codec::kLz4, codecs::kDefaultLevel, whole);
  return made && !made->empty() ? *std::move(made) : Buf();
}

TEST(BatchCodecs, open_and_close_again) {
  BatchCodecs codecs(1 << 20);
  const std::vector<uint8_t> whole = lines(100);
  const Buf stored = compressed(whole);
  const batch::Header h = batch::read_header(stored.data());
  const Result<Buf> opened = codecs.open({&stored.raw(), 1}, h, {});
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(opened->size(), whole.size());
  const Result<std::vector<uint8_t>> closed = codecs.close({opened->data(), opened->data() + opened->size()}, h);
  ASSERT_TRUE(closed);
  const ion_buf part = borrowed(*closed);
  const Result<batch::Header> checked = batch::check({&part, 1}, 1 << 20, batch::From::kClient);
  ASSERT_TRUE(checked) << checked.error().message();
  EXPECT_EQ(checked->codec(), h.codec());
}

TEST(BatchCodecs, refuse_what_is_larger_than_the_limit_when_it_is_opened) {
  const std::vector<uint8_t> whole = lines(100);
  const Buf stored = compressed(whole);
  BatchCodecs codecs(whole.size() / 2);
  const Result<Buf> opened = codecs.open({&stored.raw(), 1}, batch::read_header(stored.data()), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason(), "RECORD_TOO_LARGE");
}

TEST(BatchCodecs, open_what_is_stored_whatever_the_limit_is_now) {
  const Buf stored = compressed(lines(100));
  BatchCodecs codecs(100);
  EXPECT_TRUE(codecs.open_stored({&stored.raw(), 1}, batch::read_header(stored.data()), {}));
  const ion_buf cut = borrowed(stored.span().first(stored.size() - 5));
  EXPECT_EQ(codecs.open_stored({&cut, 1}, batch::read_header(stored.data()), {}).error().code(), ION_E_CORRUPT);
}

TEST(BatchCodecs, ask_before_they_take_memory) {
  const Buf stored = compressed(lines(100));
  BatchCodecs codecs(1 << 20);
  const Result<Buf> opened = codecs.open({&stored.raw(), 1}, batch::read_header(stored.data()), [](uint64_t) { return Status(ION_E_OVERLOADED, "full"); });
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ION_E_OVERLOADED);
}

TEST(BatchCodecs, leave_alone_what_is_not_to_be_compressed) {
  BatchCodecs codecs(1 << 20);
  const std::vector<uint8_t> whole = lines(100);
  batch::Header plain = batch::read_header(whole.data()), like = plain;
  EXPECT_EQ(codecs.close(whole, plain).value_or({}), whole);
  like.attributes = 3;
  const Buf stored = compressed(whole);
  const std::vector<uint8_t> already(stored.data(), stored.data() + stored.size());
  EXPECT_EQ(codecs.close(already, like).value_or({}), already);
}

}  // namespace
}  // namespace ion::pipeline
