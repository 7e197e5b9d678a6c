// Batches through compression: the records and every field of the header come back.
#include <codecs/batches.h>

#include <ion/crc32c.h>
#include <ion/record_proof.h>
#include <ion/record_reader.h>
#include <ion/record_writer.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ion::codecs {
namespace {

std::vector<uint8_t> batch_of(size_t records) {
  batch::RecordWriter writer;
  for (size_t i = 0; i < records; ++i) {
    const std::string value = "order " + std::to_string(i) + " of somebody";
    writer.append({std::nullopt, span_of(value), WallMs{1000 + static_cast<int64_t>(i)}, {}});
  }
  std::vector<uint8_t> bytes = writer.finish();
  batch::write_prefix(bytes.data(), Offset{77}, batch::read_header(bytes.data()).length, Epoch{5});
  return bytes;
}
std::vector<std::string> values_of(std::span<const uint8_t> whole) {
  std::vector<std::string> values;
  auto reader = batch::RecordReader::open(whole);
  EXPECT_TRUE(reader) << reader.error().message();
  for (;;) {
    const auto record = reader->next();
    EXPECT_TRUE(record) << record.error().message();
    if (!*record) return values;
    values.emplace_back(text_of(*(*record)->value));
  }
}

TEST(CodecBatches, come_back_as_they_were_but_for_the_codec) {
  const std::vector<uint8_t> whole = batch_of(200);
  const batch::Header before = batch::read_header(whole.data());
  for (const Codec codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    Compressor compressor;
    Decompressor decompressor;
    const Result<Buf> made = compress_batch(compressor, codec, kDefaultLevel, whole);
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_LT(made->size(), whole.size() / 2);
    const ion_buf part = made->raw();
    const Result<batch::Header> checked = batch::check({&part, 1}, 1 << 20, batch::From::kClient);
    ASSERT_TRUE(checked) << name_of(codec) << ": " << checked.error().message();
    EXPECT_EQ(checked->codec(), static_cast<int>(codec));
    EXPECT_EQ(checked->base_offset, before.base_offset);
    EXPECT_EQ(checked->leader_epoch, before.leader_epoch);
    EXPECT_EQ(checked->count, 200);

    std::vector<ion_buf> pieces;  // also where the header lies in two parts
    for (uint64_t at = 0; at < made->size(); at += 50) pieces.push_back(borrowed(made->span().subspan(at, std::min<uint64_t>(50, made->size() - at))));
    const Result<Buf> opened = open_batch(decompressor, pieces, *checked, {1 << 20, 0, {}});
    ASSERT_TRUE(opened) << opened.error().message();
    const batch::Header after = batch::read_header(opened->data());
    EXPECT_EQ(after.codec(), 0);
    EXPECT_EQ(after.length, before.length);
    EXPECT_EQ(after.max_time, before.max_time);
    const ion_buf opened_part = opened->raw();
    EXPECT_TRUE(batch::prove_records({&opened_part, 1}, after, 1 << 20).ok());
    EXPECT_EQ(values_of(opened->span()), values_of(whole));
  }
}

TEST(CodecBatches, stay_as_they_are_where_nothing_is_gained) {
  Compressor compressor;
  const Result<Buf> made = compress_batch(compressor, Codec::kGzip, kDefaultLevel, batch_of(1));
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->empty());
}

TEST(CodecBatches, take_no_memory_that_nobody_admits) {
  const std::vector<uint8_t> whole = batch_of(5000);
  Compressor compressor;
  const Result<Buf> made = compress_batch(compressor, Codec::kZstd, kDefaultLevel, whole);
  ASSERT_TRUE(made);
  uint64_t admitted = 0;
  const auto admit_up_to = [&](uint64_t most) {
    return [&admitted, most](uint64_t more) {
      if (admitted + more > most) return Status(ION_E_OVERLOADED, "full");
      admitted += more;
      return Status();
    };
  };
  const ion_buf part = made->raw();
  const batch::Header h = batch::read_header(made->data());
  Decompressor decompressor;
  const Result<Buf> refused = open_batch(decompressor, {&part, 1}, h, {1 << 24, 0, admit_up_to(whole.size() / 2)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ION_E_OVERLOADED);
  admitted = 0;
  ASSERT_TRUE(open_batch(decompressor, {&part, 1}, h, {1 << 24, 0, admit_up_to(1 << 24)}));
  EXPECT_GE(admitted, whole.size() - batch::kHeaderBytes);
  EXPECT_LT(admitted, 5 * whole.size());
}

}  // namespace
}  // namespace ion::codecs
