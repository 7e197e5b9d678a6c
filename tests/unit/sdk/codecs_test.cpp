// The codecs: what goes in comes out, what other programs wrote is read, and nothing that a stranger may send takes more than its bound.
#include <codecs/codecs.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ion::codecs {
namespace {

// The joined text, cut into parts of at most `n` bytes, as it may have come over a network.
std::vector<ion_buf> in_parts(std::string_view text, size_t n) {
  std::vector<ion_buf> parts;
  for (size_t at = 0; at < text.size(); at += n) parts.push_back(borrowed(span_of(text.substr(at, n))));
  return parts;
}
std::string bytes_of_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}
std::string compressed(Codec codec, std::string_view text, int level = kDefaultLevel) {
  const std::vector<ion_buf> parts = in_parts(text, 8192);
  const Result<Buf> made = Compressor().run(codec, parts, level);
  EXPECT_TRUE(made) << (made ? "" : made.error().message());
  return made ? std::string(made->text()) : std::string();
}
Result<std::string> opened(Codec codec, std::string_view bytes, uint64_t bytes_max = uint64_t{1} << 24, size_t part = 8192) {
  const std::vector<ion_buf> parts = in_parts(bytes, part);
  ION_TRY(const Buf out, Decompressor().run(codec, parts, {bytes_max, 0, {}}));
  return std::string(out.text());
}
std::string noise(size_t n) {
  std::string text(n, ' ');
  uint64_t state = 7;  // Knuth's generator of 64 bits
  for (char& c : text) state = state * 6364136223846793005u + 1442695040888963407u, c = static_cast<char>(state >> 33);
  return text;
}
std::string lines(size_t n) {
  std::string text;
  for (size_t i = 0; text.size() < n; ++i) text += "order " + std::to_string(i) + " of customer " + std::to_string(i * 7919 % 1000) + "\n";
  return text;
}
const std::string kText = "one two three one two three one two three\none two three one two three one two three\none two three one two three one two three\n";

class EachCodec : public testing::TestWithParam<Codec> {};
INSTANTIATE_TEST_SUITE_P(all, EachCodec, testing::ValuesIn(kAll), [](const auto& which) { return std::string(name_of(which.param)); });

TEST_P(EachCodec, gives_back_what_it_was_given_however_it_lies_in_parts) {
  Compressor compressor;
  Decompressor decompressor;
  for (const std::string& text : {std::string(), std::string("x"), kText, lines(300'000), noise(200'000), std::string(1 << 20, 'a')})
    for (const size_t part : {size_t{1} << 30, size_t{8191}, text.size() < 1000 ? size_t{1} : size_t{4093}}) {
      const Result<Buf> made = compressor.run(GetParam(), in_parts(text, part));
      ASSERT_TRUE(made) << made.error().message();
      const Result<Buf> back = decompressor.run(GetParam(), in_parts(made->text(), part), {uint64_t{1} << 24, 0, {}});
      ASSERT_TRUE(back) << back.error().message();
      EXPECT_TRUE(back->text() == text) << text.size() << " bytes in parts of " << part;
    }
}

TEST_P(EachCodec, makes_repeated_text_smaller) {
  if (GetParam() == Codec::kNone) return;
  EXPECT_LT(compressed(GetParam(), lines(300'000)).size(), 150'000u);
}

TEST_P(EachCodec, takes_exactly_its_bound_and_not_a_byte_more) {
  for (const std::string& text : {kText, lines(100'000), std::string(1 << 20, 'a')}) {
    const std::string bytes = compressed(GetParam(), text);
    const Result<std::string> at_the_bound = opened(GetParam(), bytes, text.size());
    ASSERT_TRUE(at_the_bound) << at_the_bound.error().message();
    EXPECT_TRUE(*at_the_bound == text);
    for (const uint64_t bound : {text.size() - 1, text.size() / 2, size_t{1}}) {
      const Result<std::string> above = opened(GetParam(), bytes, bound);
      ASSERT_FALSE(above) << bound;
      EXPECT_EQ(above.error().reason(), "RECORD_TOO_LARGE");
      EXPECT_NE(above.error().message().find(std::to_string(bound)), std::string::npos) << above.error().message();
    }
  }
}

TEST_P(EachCodec, refuses_every_cut_frame_with_words) {
  if (GetParam() == Codec::kNone) return;
  const std::string bytes = compressed(GetParam(), kText);
  for (size_t n = 0; n < bytes.size(); ++n) {
    const Result<std::string> cut = opened(GetParam(), bytes.substr(0, n));
    ASSERT_FALSE(cut) << n << " of " << bytes.size() << " bytes";
    EXPECT_EQ(cut.error().code(), ION_E_INVALID);
    EXPECT_EQ(cut.error().reason(), "CORRUPT_BATCH") << cut.error().message();
    EXPECT_NE(cut.error().message().find(name_of(GetParam())), std::string::npos);
  }
}

TEST_P(EachCodec, never_answers_more_than_the_bound_whatever_bit_is_wrong) {
  const std::string bytes = compressed(GetParam(), kText);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string wrong = bytes;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << bit % 8));
    const Result<std::string> answer = opened(GetParam(), wrong, 1000);
    if (answer) EXPECT_LE(answer->size(), 1000u);
    else EXPECT_EQ(answer.error().code(), ION_E_INVALID) << answer.error().message();
  }
}

TEST_P(EachCodec, works_on_after_a_refusal) {
  Decompressor decompressor;
  const std::string bytes = compressed(GetParam(), kText);
  (void)decompressor.run(GetParam(), in_parts(bytes.substr(0, bytes.size() / 2), 16), {1000, 0, {}});
  (void)decompressor.run(GetParam(), in_parts(noise(500), 100), {1000, 0, {}});
  (void)decompressor.run(GetParam(), in_parts(bytes, 16), {10, 0, {}});
  const Result<Buf> back = decompressor.run(GetParam(), in_parts(bytes, 16), {1000, 0, {}});
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->text(), kText);
}

TEST_P(EachCodec, takes_its_levels_and_no_others) {
  const Levels levels = levels_of(GetParam());
  for (const int level : {levels.least, levels.most})
    EXPECT_EQ(opened(GetParam(), compressed(GetParam(), kText, level)).value_or(""), kText) << level;
  for (const int level : {levels.least - 1, levels.most + 1}) {
    const Result<Buf> made = Compressor().run(GetParam(), {}, level);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), ION_E_INVALID);
    EXPECT_NE(made.error().message().find(std::to_string(level)), std::string::npos) << made.error().message();
  }
}

TEST(Codecs, have_the_names_that_configurations_use) {
  for (const Codec codec : kAll) EXPECT_EQ(codec_named(name_of(codec)), codec);
  EXPECT_EQ(name_of(Codec::kZstd), "zstd");
  EXPECT_EQ(codec_named("producer"), std::nullopt);
}

// Written by Python's gzip module, lz4 1.9.4 (-BI, and -BI -BX --content-size), and zstd 1.5.4.
TEST(Codecs, read_what_other_programs_wrote) {
  EXPECT_EQ(opened(Codec::kGzip, bytes_of_hex("1f8b0800000000000203cbcf4b552829cf5728c9284a4d55c8c7cde3caa7814a000ba73c4c7e000000")).value_or(""), kText);
  EXPECT_EQ(opened(Codec::kLz4, bytes_of_hex("04224d186440a724000000ef6f6e652074776f207468726565200e00081f0a1c00080a38000f2a001350687265650a0000"
                                            "0000e852651b")).value_or(""), kText);
  EXPECT_EQ(opened(Codec::kLz4, bytes_of_hex("04224d187c407e00000000000000ca24000000ef6f6e652074776f207468726565200e00081f0a1c00080a38000f2a0013"
                                            "50687265650ac2a090ab00000000e852651b")).value_or(""), kText);
  EXPECT_EQ(opened(Codec::kZstd, bytes_of_hex("28b52ffd247e0d0100986f6e652074776f207468726565200a200a200a05002014701c0819388408a712116ab0d2")).value_or(""), kText);
}

std::string xerial(const std::vector<std::string>& texts, char oldest_reader = 1) {
  std::string stream("\x82SNAPPY\0\0\0\0\1\0\0\0", 15);
  stream.push_back(oldest_reader);
  for (const std::string& text : texts) {
    const std::string block = compressed(Codec::kSnappy, text);
    for (int shift = 24; shift >= 0; shift -= 8) stream.push_back(static_cast<char>(block.size() >> shift));
    stream += block;
  }
  return stream;
}

TEST(Codecs, read_snappy_in_the_stream_of_java_clients) {
  const std::string text = lines(100'000);
  EXPECT_EQ(opened(Codec::kSnappy, xerial({text.substr(0, 32768), text.substr(32768, 32768), text.substr(65536)})).value_or(""), text);
  EXPECT_EQ(opened(Codec::kSnappy, xerial({})).value_or("none"), "");
  EXPECT_FALSE(opened(Codec::kSnappy, xerial({text}, 2)));
  const std::string whole = xerial({text});
  EXPECT_FALSE(opened(Codec::kSnappy, whole.substr(0, whole.size() - 1)));
  EXPECT_FALSE(opened(Codec::kSnappy, whole + "\1\2"));
}

TEST(Codecs, believe_no_snappy_length_that_the_bytes_cannot_hold) {
  const Result<std::string> answer = opened(Codec::kSnappy, bytes_of_hex("ffffff7f00"), uint64_t{1} << 40);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason(), "CORRUPT_BATCH") << answer.error().message();
}

// Each of these is read by some Kafka clients and breaks or silently shortens what others read.
TEST(Codecs, refuse_what_not_every_reader_reads) {
  const auto refused = [](Codec codec, const std::string& bytes, std::string_view word) {
    for (const size_t part : {size_t{1}, size_t{1} << 20}) {
      const Result<std::string> answer = opened(codec, bytes, uint64_t{1} << 24, part);
      ASSERT_FALSE(answer) << word;
      EXPECT_EQ(answer.error().reason(), "CORRUPT_BATCH");
      EXPECT_NE(answer.error().message().find(word), std::string::npos) << answer.error().message();
    }
  };
  const std::string gzip = compressed(Codec::kGzip, kText), lz4 = compressed(Codec::kLz4, kText);
  refused(Codec::kGzip, gzip + gzip, "behind the end");
  refused(Codec::kLz4, lz4 + lz4, "behind the end");
  refused(Codec::kLz4, bytes_of_hex("04224d1844405e") + lz4.substr(7), "linked");  // a header that lz4 -BD wrote
  refused(Codec::kLz4, bytes_of_hex("502a4d1804000000") + "1234" + lz4, "skippable");
}

// As a streaming writer makes them: no content size in the header, so that the answer is made larger as often as needed.
TEST(Codecs, read_zstd_frames_that_do_not_say_their_size) {
  // A frame of 128 KiB windows with one block of RLE type: 100,000 times 'a'. Magic, descriptor 0, window, block header (last, RLE, size).
  const std::string frame = bytes_of_hex("28b52ffd0038") + bytes_of_hex("03350c") + "a";
  const Result<std::string> opened_frame = opened(Codec::kZstd, frame);
  ASSERT_TRUE(opened_frame) << opened_frame.error().message();
  EXPECT_TRUE(*opened_frame == std::string(100'000, 'a')) << opened_frame->size();
  EXPECT_EQ(opened(Codec::kZstd, frame, 99'999).error().reason(), "RECORD_TOO_LARGE");
  EXPECT_EQ(opened(Codec::kZstd, bytes_of_hex("502a4d1804000000") + "1234").value_or("none"), "") << "a frame to be skipped and nothing else";
}

TEST(Codecs, read_several_zstd_frames_and_skip_what_is_to_be_skipped) {
  const std::string frame = compressed(Codec::kZstd, kText);
  EXPECT_EQ(opened(Codec::kZstd, frame + bytes_of_hex("502a4d1804000000") + "1234" + frame).value_or(""), kText + kText);
}

}  // namespace
}  // namespace ion::codecs
