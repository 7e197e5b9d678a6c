// The note reader on good files, and on every damage of one: it must answer, and never read beyond the bytes.
#include <ion/elf_notes.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace ion {
namespace {

std::vector<uint8_t> read(const std::string& name) {
  std::ifstream in(std::string(ION_TEST_PLUGINS) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
// In memory of exactly this size, so that the address sanitizer sees one byte too many.
void look(std::span<const uint8_t> bytes) {
  const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
  const auto notes = read_plugin_notes(exact);
  const auto libraries = read_elf_libraries(exact);
  EXPECT_TRUE(!notes || !notes->id.empty());
  EXPECT_TRUE(!libraries || libraries->needed.size() <= elf::kNeededMax);
}

TEST(ElfNotes, say_what_the_plugin_is) {
  const auto notes = read_plugin_notes(read("ionstream-plugin-test-good.so"));
  ASSERT_TRUE(notes.has_value()) << notes.error().text();
  EXPECT_EQ(notes->abi_major, 1);
  EXPECT_EQ(notes->abi_minor, 0);
  EXPECT_EQ(notes->id, "ion.test.good");
  EXPECT_EQ(notes->version, "1.2.3");
  EXPECT_EQ(notes->provides, std::vector<std::string>{"ion.test.probe/1"});
  EXPECT_EQ(notes->needs.size(), 13U);
  EXPECT_EQ(notes->needs.back(), "ion.test.absent/1?");
  EXPECT_NE(notes->schema.find("\"greeting\""), std::string::npos);
}

TEST(ElfNotes, say_which_libraries_and_search_paths_are_wanted) {
  const auto stranger = read_elf_libraries(read("ionstream-plugin-test-stranger.so"));
  ASSERT_TRUE(stranger.has_value()) << stranger.error().text();
  EXPECT_NE(std::find(stranger->needed.begin(), stranger->needed.end(), "libion_test_stranger.so"), stranger->needed.end());
  EXPECT_TRUE(stranger->runpath.empty());
  const auto runpath = read_elf_libraries(read("ionstream-plugin-test-runpath.so"));
  ASSERT_TRUE(runpath.has_value());
  EXPECT_EQ(runpath->runpath, "/nowhere/at/all");
}

TEST(ElfNotes, of_a_cut_file_end_in_a_refusal) {
  const std::vector<uint8_t> whole = read("ionstream-plugin-test-raw.so");
  ASSERT_GT(whole.size(), 1000U);
  for (size_t n = 0; n < whole.size(); n += n < 2048 ? 1 : 97) look(std::span(whole).first(n));
}

TEST(ElfNotes, of_a_file_with_flipped_bytes_end_in_an_answer) {
  const std::vector<uint8_t> whole = read("ionstream-plugin-test-raw.so");
  const uint32_t seed = 20240817;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint8_t> bytes = whole;
    for (int i = 0; i < 4; ++i) bytes[random() % std::min<size_t>(bytes.size(), 4096)] = static_cast<uint8_t>(random());
    look(bytes);
  }
}

TEST(ElfNotes, with_headers_that_point_anywhere_end_in_an_answer) {
  const std::vector<uint8_t> whole = read("ionstream-plugin-test-raw.so");
  const uint64_t numbers[] = {
      0, 1, 63, whole.size() - 1, whole.size(), UINT32_MAX, UINT64_MAX, UINT64_MAX - 63, uint64_t{1} << 63};
  for (size_t at = sizeof(Elf64_Ehdr); at + 8 <= sizeof(Elf64_Ehdr) + 12 * sizeof(Elf64_Phdr); at += 8)
    for (const uint64_t number : numbers) {
      std::vector<uint8_t> bytes = whole;
      std::memcpy(bytes.data() + at, &number, sizeof number);
      look(bytes);
    }
}

TEST(ElfNotes, with_words_that_do_not_fit_are_refused) {
  for (const char* text : {"", "abi=1", "abi=1.0;id=x", "abi=1.0;min=x;id=a;version=1", "abi=1.0;id=a b;version=1",
                           "abi=1.0;id=a;version=1;provides=x", "abi=1.0;id=a;version=1;needs=x/y", "abi=99999.0;id=a;version=1",
                           "abi=1.0;id=\x1b[31m;version=1"})
    EXPECT_FALSE(elf::read_words(text).has_value()) << text;
  EXPECT_TRUE(elf::read_words("abi=1.0;min=0;id=a;version=1;provides=;needs=;later=words").has_value())
      << "unknown keys are of a younger minor";
}

}  // namespace
}  // namespace ion
