// Which records survive a compaction, and what the batches that are left say. The random test compares with a map of the newest records.
#include "partition/core/batch_cleaner.h"
#include "support/seeded_random.h"

#include <ion/delete_horizon.h>
#include <ion/record_proof.h>
#include <ion/record_reader.h>
#include <ion/record_writer.h>

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace ion::partition {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr int64_t kTime = 1'700'000'000'000;

struct Rec {
  std::optional<std::string> key, value;  // value absent: a tombstone
  int64_t time = kTime;
};
struct Spec {
  batch::Identity who = {};
  codecs::Codec codec = codecs::Codec::kNone;
  uint16_t attributes = 0;
  int32_t epoch = 3;
};

// A log of a few batches, and what compaction makes of it.
struct TestLog {
  std::vector<Bytes> batches;
  Offset next;

  int64_t add(const std::vector<Rec>& records, const Spec& spec = {}) {
    batch::RecordWriter writer;
    for (const Rec& r : records) {
      batch::NewRecord record;
      if (r.key) record.key = span_of(*r.key);
      if (r.value) record.value = span_of(*r.value);
      record.time = {r.time};
      writer.append(record);
    }
    Bytes bytes = writer.finish(spec.who, spec.attributes);
    if (spec.codec != codecs::Codec::kNone) {
      codecs::Compressor compressor;
      const Buf packed = *codecs::compress_batch(compressor, spec.codec, codecs::kDefaultLevel, bytes);
      if (!packed.empty()) bytes.assign(packed.data(), packed.data() + packed.size());
    }
    batch::write_prefix(bytes.data(), next, batch::read_header(bytes.data()).length, Epoch{spec.epoch});
    const int64_t base = next.v;
    next = next + static_cast<int64_t>(records.size());
    batches.push_back(std::move(bytes));
    return base;
  }
};

struct Result_ {
  std::vector<Bytes> batches;
  bool changed = false;
  CleanedCounts counts;
  WallMs due{-1};
};

struct Cleaning {
  Offset from{0};
  std::optional<Offset> upto;  // the end of the log if nothing is said
  WallMs now{kTime}, horizon{kTime + 1000};
  std::vector<NewestBatches::Item> producers;
  uint64_t memory = 1 << 20;
};

Result_ clean(const TestLog& log, const Cleaning& how = {}) {
  CleaningTools tools;
  CleaningRules rules{{7, 9}, how.upto.value_or(log.next), how.now, how.horizon};
  KeyOffsets newest(how.memory);
  for (const Bytes& b : log.batches) {
    if (batch::read_header(b.data()).base_offset >= rules.upto) break;
    const auto upto = collect_keys(b, how.from, rules, tools, newest);
    EXPECT_TRUE(upto) << upto.error().text();
    if (*upto < batch::read_header(b.data()).next_offset()) {
      rules.upto = *upto;
      break;
    }
  }
  const NewestBatches producers(how.producers);
  BatchCleaner cleaner(newest, producers, rules, tools, {0});
  Result_ result;
  const auto keep = [&](std::vector<BatchCleaner::Out>& out) {
    for (const BatchCleaner::Out& o : out) result.batches.emplace_back(o.bytes().begin(), o.bytes().end());
    out.clear();
  };
  std::vector<BatchCleaner::Out> out;
  for (const Bytes& b : log.batches) {
    EXPECT_TRUE(cleaner.clean(b, out).ok());
    keep(out);
  }
  cleaner.finish(log.next, out);
  keep(out);
  result.changed = cleaner.changed(), result.counts = cleaner.counts(), result.due = cleaner.tombstones_due();
  return result;
}

// "offset key=value" of every record; a batch without records is "[base,next)".
std::string shown(const std::vector<Bytes>& batches) {
  std::string all;
  const auto add = [&all](const std::string& word) { all += (all.empty() ? "" : " ") + word; };
  for (const Bytes& stored : batches) {
    const batch::Header h = batch::read_header(stored.data());
    if (h.count == 0) add("[" + std::to_string(h.base_offset.v) + "," + std::to_string(h.next_offset().v) + ")");
    codecs::Decompressor decompressor;
    const ion_buf part = borrowed(stored);
    Buf opened;
    if (h.codec() != 0) opened = *codecs::open_batch(decompressor, {&part, 1}, h, {1 << 30, 0, {}});
    auto reader = batch::RecordReader::open(h.codec() == 0 ? std::span<const uint8_t>(stored) : opened.span());
    for (auto record = reader->next(); record && *record; record = reader->next())
      add(std::to_string((*record)->offset.v) + ((*record)->key ? std::string(text_of(*(*record)->key)) : "") + "=" +
          ((*record)->value ? std::string(text_of(*(*record)->value)) : "-"));
  }
  return all;
}

// What every result must be: whole batches that cover every offset once, in order.
void expect_sound(const TestLog& log, const Result_& result) {
  int64_t at = 0;
  int32_t epoch = 0;
  for (const Bytes& b : result.batches) {
    const batch::Header h = batch::read_header(b.data());
    EXPECT_EQ(h.base_offset.v, at);
    at = h.next_offset().v;
    EXPECT_EQ(h.total_bytes(), b.size());
    EXPECT_EQ(h.crc, crc32c::of(std::span<const uint8_t>(b).subspan(batch::kCrcFrom)));
    EXPECT_GE(h.leader_epoch.v, epoch);
    epoch = h.leader_epoch.v;
    EXPECT_LE(h.count, h.last_offset_delta + 1);
  }
  EXPECT_EQ(at, log.next.v);
}

batch::Header header(const Result_& result, size_t i) { return batch::read_header(result.batches.at(i).data()); }

TEST(KeyOffsets, the_digest_is_siphash_with_the_output_of_128_bits) {
  // The first of the test vectors of the reference implementation: the key is the bytes 0 to 15, the message is empty.
  const KeyDigest digest = digest_of({}, {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL});
  EXPECT_EQ(digest.low, 0xe6a825ba047f81a3ULL);
  EXPECT_EQ(digest.high, 0x930255c71472f66dULL);
}

TEST(KeyOffsets, it_is_full_before_it_takes_more_memory_than_it_may) {
  KeyOffsets keys(100'000);
  uint64_t n = 0;
  while (keys.put({n, ~n}, {static_cast<int64_t>(n)})) ++n;
  EXPECT_LE(keys.memory_bytes() * 3 / 2, 100'000u);
  EXPECT_GE(n, 1'000u);
  EXPECT_TRUE(keys.put({5, ~uint64_t{5}}, {70'000})) << "a key that is there has its place";
  EXPECT_EQ(keys.find({5, ~uint64_t{5}})->v, 70'000);
  EXPECT_EQ(keys.find({6, ~uint64_t{6}})->v, 6);
  EXPECT_FALSE(keys.find({6, 7}).has_value());
}

TEST(BatchCleaner, the_newest_record_of_a_key_stays_where_it_is) {
  TestLog log;
  log.add({{"a", "1"}, {"b", "2"}, {"a", "3"}});
  log.add({{"b", "4"}, {"c", "5"}});
  const Result_ result = clean(log);
  EXPECT_EQ(shown(result.batches), "2a=3 3b=4 4c=5");
  EXPECT_EQ(header(result, 0).base_offset.v, 0);
  EXPECT_EQ(header(result, 0).last_offset_delta, 2);
  EXPECT_EQ(header(result, 0).count, 1);
  EXPECT_EQ(result.batches.at(1), log.batches.at(1)) << "a batch that loses nothing is the same bytes";
  EXPECT_EQ(result.counts.removed, 2u);
  expect_sound(log, result);
}

TEST(BatchCleaner, an_empty_key_is_a_key_and_a_record_without_one_goes) {
  TestLog log;
  log.add({{"", "1"}, {std::nullopt, "2"}, {"", "3"}});
  EXPECT_EQ(shown(clean(log).batches), "2=3");
}

TEST(BatchCleaner, a_run_of_batches_that_go_is_covered_by_one_without_records_and_producer) {
  TestLog log;
  log.add({{"a", "1"}}, {{{9}, {0}, 0}});
  log.add({{"a", "2"}, {"b", "3"}});
  log.add({{"a", "4"}, {"b", "5"}});
  log.add({{"a", "6"}, {"b", "7"}});
  const Result_ result = clean(log);
  EXPECT_EQ(shown(result.batches), "[0,5) 5a=6 6b=7");
  EXPECT_FALSE(header(result, 0).idempotent());
  EXPECT_EQ(header(result, 0).base_sequence, -1);
  EXPECT_GE(header(result, 0).base_time.ms, 0);
  EXPECT_EQ(header(result, 0).max_time.ms, -1) << "no time seek may find it";
  expect_sound(log, result);
  TestLog again{result.batches, log.next};
  EXPECT_FALSE(clean(again).changed) << "a cover alone stays as it is";
}

TEST(BatchCleaner, two_covers_beside_each_other_become_one) {
  TestLog log;
  log.add({{"a", "1"}});
  log.add({{"b", "2"}});
  log.add({{"a", "3"}});
  TestLog once{clean(log).batches, log.next};
  EXPECT_EQ(shown(once.batches), "[0,1) 1b=2 2a=3");
  once.add({{"b", "4"}});
  EXPECT_EQ(shown(clean(once).batches), "[0,2) 2a=3 3b=4");
}

TEST(BatchCleaner, the_end_is_covered_too) {
  TestLog log;
  log.add({{"a", "1"}});
  log.add({{std::nullopt, "x"}});
  const Result_ result = clean(log);
  EXPECT_EQ(shown(result.batches), "0a=1 [1,2)");
  expect_sound(log, result);
}

TEST(BatchCleaner, the_newest_batch_of_a_producer_stays_without_its_records) {
  TestLog log;
  const int64_t base = log.add({{"a", "1"}, {"b", "2"}}, {{{9}, {4}, 17}});
  log.add({{"a", "3"}, {"b", "4"}});
  Cleaning how;
  how.producers = {{ProducerId{9}, Offset{base}}};
  const Result_ result = clean(log, how);
  EXPECT_EQ(shown(result.batches), "[0,2) 2a=3 3b=4");
  const batch::Header h = header(result, 0);
  EXPECT_EQ(h.producer.v, 9);
  EXPECT_EQ(h.producer_epoch.v, 4);
  EXPECT_EQ(h.base_sequence, 17);
  EXPECT_EQ(h.last_offset_delta, 1);
  TestLog again{result.batches, log.next};
  EXPECT_FALSE(clean(again, how).changed);
  EXPECT_EQ(header(clean(again), 0).producer.v, -1) << "the producer was forgotten";
}

TEST(BatchCleaner, a_tombstone_gets_a_horizon_and_goes_when_that_has_passed) {
  TestLog log;
  log.add({{"a", "1"}, {"b", "2"}});
  log.add({{"a", std::nullopt, kTime - 50}, {"c", "3"}});
  const Result_ first = clean(log);
  EXPECT_EQ(shown(first.batches), "1b=2 2a=- 3c=3");
  const batch::Header h = header(first, 1);
  EXPECT_NE(h.attributes & batch::kDeleteHorizon, 0);
  EXPECT_EQ(h.base_time.ms, kTime + 1000);
  EXPECT_EQ(h.max_time.ms, kTime);
  EXPECT_EQ(first.due.ms, kTime + 1000);
  auto reader = batch::RecordReader::open(first.batches.at(1));
  EXPECT_EQ((*reader->next())->time.ms, kTime - 50) << "record times are what they were";

  TestLog once{first.batches, log.next};
  Cleaning later;
  later.from = log.next, later.now = {kTime + 999}, later.horizon = {kTime + 5000};
  EXPECT_FALSE(clean(once, later).changed);
  EXPECT_EQ(clean(once, later).due.ms, kTime + 1000) << "the first horizon counts";
  later.now = {kTime + 1000};
  const Result_ gone = clean(once, later);
  EXPECT_EQ(shown(gone.batches), "1b=2 3c=3");
  EXPECT_EQ(gone.due.ms, -1);
  EXPECT_EQ(gone.counts.tombstones_removed, 1u);
  EXPECT_EQ(header(gone, 1).attributes, 0);
  EXPECT_EQ(header(gone, 1).base_time.ms, kTime);
  EXPECT_EQ(header(gone, 1).max_time.ms, kTime);
}

TEST(BatchCleaner, records_behind_the_end_of_the_keys_stay_as_they_are) {
  TestLog log;
  log.add({{"a", "1"}, {"a", "2"}, {std::nullopt, "3"}, {"b", std::nullopt}});
  log.add({{"a", "4"}});
  Cleaning how;
  how.upto = Offset{2};
  const Result_ result = clean(log, how);
  EXPECT_EQ(shown(result.batches), "1a=2 2=3 3b=- 4a=4");
  EXPECT_EQ(header(result, 0).attributes, 0) << "no horizon for a batch that was not compacted whole";
}

TEST(BatchCleaner, times_are_those_of_the_records_that_stay) {
  TestLog log;
  log.add({{"a", "1", kTime + 500}, {"b", "2", kTime + 20}, {"a", "3", kTime + 30}});
  log.add({{"c", "1", -1}, {"c", "2", -1}});
  const Result_ result = clean(log);
  EXPECT_EQ(header(result, 0).max_time.ms, kTime + 30);
  EXPECT_EQ(header(result, 1).base_time.ms, 0) << "never below 0 in what was written anew";
  EXPECT_EQ(header(result, 1).max_time.ms, -1);
  auto reader = batch::RecordReader::open(result.batches.at(1));
  EXPECT_EQ((*reader->next())->time.ms, -1);
}

TEST(BatchCleaner, a_time_of_append_stays_that_of_the_batch) {
  TestLog log;
  log.add({{"a", "1", kTime + 500}, {"b", "2", kTime + 20}, {"a", "3", kTime + 30}}, {{}, codecs::Codec::kNone, batch::kLogAppendTime});
  const Result_ result = clean(log);
  EXPECT_EQ(header(result, 0).max_time.ms, kTime + 500);
  EXPECT_EQ(header(result, 0).attributes, batch::kLogAppendTime);
  auto reader = batch::RecordReader::open(result.batches.at(0));
  EXPECT_EQ((*reader->next())->time.ms, kTime + 500);
}

TEST(BatchCleaner, a_time_of_append_outlives_the_codec_and_the_horizon_of_a_tombstone) {
  constexpr uint16_t kAppended = batch::kLogAppendTime | static_cast<uint16_t>(codecs::Codec::kLz4);
  TestLog log;
  log.add({{"a", std::string(300, 'x'), kTime + 500}, {"t", std::nullopt, kTime + 20}, {"c", std::string(300, 'y'), kTime + 30}}, {{}, codecs::Codec::kLz4, batch::kLogAppendTime});
  log.add({{"a", "new"}});
  const Result_ first = clean(log);
  EXPECT_EQ(header(first, 0).attributes, kAppended | batch::kDeleteHorizon);
  EXPECT_EQ(header(first, 0).count, 2);
  EXPECT_EQ(header(first, 0).base_time.ms, kTime + 1000);
  EXPECT_EQ(header(first, 0).max_time.ms, kTime + 500) << "the record that had it is gone, the append is not";
  expect_sound(log, first);
  TestLog once{first.batches, log.next};
  Cleaning later;
  later.now = {kTime + 1000};
  const Result_ gone = clean(once, later);
  EXPECT_EQ(header(gone, 0).attributes, kAppended);
  EXPECT_EQ(header(gone, 0).count, 1);
  EXPECT_EQ(header(gone, 0).max_time.ms, kTime + 500);
  expect_sound(log, gone);
}

TEST(BatchCleaner, a_batch_within_which_the_log_begins_keeps_its_offsets) {
  TestLog log;
  log.add({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"b", "4"}}, {{{9}, {0}, 40}});
  CleaningTools tools;
  const CleaningRules rules{{7, 9}, log.next, {kTime}, {kTime}};
  KeyOffsets keys(1 << 20);
  ASSERT_TRUE(collect_keys(log.batches.at(0), {0}, rules, tools, keys));
  const NewestBatches producers;
  BatchCleaner cleaner(keys, producers, rules, tools, {1});
  std::vector<BatchCleaner::Out> out;
  ASSERT_TRUE(cleaner.clean(log.batches.at(0), out).ok());
  cleaner.finish({4}, out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(shown({out[0].made}), "0a=1 2c=3 3b=4");
  EXPECT_EQ(out[0].header.base_sequence, 40);
}

TEST(BatchCleaner, control_batches_stay) {
  TestLog log;
  log.add({{"k", "1"}}, {{{9}, {0}, -1}, codecs::Codec::kNone, batch::kControl | batch::kTransactional});
  log.add({{"k", "2"}});
  const Result_ result = clean(log);
  EXPECT_EQ(shown(result.batches), "0k=1 1k=2");
  EXPECT_FALSE(result.changed);
}

TEST(BatchCleaner, a_batch_that_cannot_be_read_is_named_by_its_offsets) {
  TestLog log;
  log.add({{"a", "1"}});
  log.add({{"b", "2"}, {"c", "3"}});
  log.batches.at(1).at(batch::kHeaderBytes) = 0x7f;
  CleaningTools tools;
  const CleaningRules rules{{7, 9}, log.next, {kTime}, {kTime}};
  KeyOffsets keys(1 << 20);
  EXPECT_TRUE(collect_keys(log.batches.at(0), {0}, rules, tools, keys));
  const auto bad = collect_keys(log.batches.at(1), {0}, rules, tools, keys);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), ION_E_CORRUPT);
  EXPECT_NE(bad.error().message().find("offsets 1 to 2"), std::string::npos) << bad.error().message();
}

class EachCodec : public testing::TestWithParam<codecs::Codec> {};
TEST_P(EachCodec, batches_are_opened_and_closed_with_their_codec) {
  TestLog log;
  std::vector<Rec> many;
  for (int i = 0; i < 100; ++i) many.push_back({"key" + std::to_string(i), std::string(100, 'v')});
  log.add(many, {{}, GetParam()});
  log.add({{"key7", "new"}}, {{}, GetParam()});
  const Result_ result = clean(log);
  EXPECT_EQ(header(result, 0).count, 99);
  EXPECT_EQ(header(result, 0).codec(), static_cast<int>(GetParam()));
  EXPECT_NE(shown(result.batches).find("100key7=new"), std::string::npos);
  expect_sound(log, result);
}
INSTANTIATE_TEST_SUITE_P(BatchCleaner, EachCodec, testing::Values(codecs::Codec::kNone, codecs::Codec::kGzip, codecs::Codec::kSnappy, codecs::Codec::kLz4, codecs::Codec::kZstd),
                         [](const auto& codec) { return std::string(codecs::name_of(codec.param)); });

// A log grows and is compacted now and then, whole or in part, with few keys in memory or many; it is compared with the newest records.
TEST(BatchCleaner, what_is_left_is_what_a_map_of_the_newest_records_says) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    test::SeededRandom random(seed);
    const auto below = [&](uint64_t n) { return random.u64() % n; };
    TestLog log;
    std::map<std::string, std::pair<int64_t, std::optional<std::string>>> newest;  // key to offset and value
    int64_t clean_upto = 0;
    WallMs now{kTime};
    for (int round = 0; round < 8; ++round) {
      for (uint64_t n = 1 + below(6); n > 0; --n) {
        std::vector<Rec> records;
        for (uint64_t r = 1 + below(5); r > 0; --r) {
          Rec rec{"k" + std::to_string(below(8)), std::nullopt, kTime + static_cast<int64_t>(below(1000))};
          if (below(4) != 0) rec.value = std::to_string(below(1000));
          records.push_back(rec);
        }
        const Spec spec{{}, below(3) == 0 ? codecs::Codec::kLz4 : codecs::Codec::kNone};
        const int64_t base = log.add(records, spec);
        for (size_t i = 0; i < records.size(); ++i) newest[*records[i].key] = {base + static_cast<int64_t>(i), records[i].value};
      }
      Cleaning how;
      how.from = {clean_upto}, how.now = now, how.horizon = {now.ms + 100};
      if (below(3) == 0) how.upto = Offset{clean_upto + static_cast<int64_t>(below(static_cast<uint64_t>(log.next.v - clean_upto + 1)))};
      const Result_ result = clean(log, how);
      expect_sound(log, result);
      clean_upto = how.upto.value_or(log.next).v;
      now.ms += static_cast<int64_t>(below(250));

      std::map<std::string, std::pair<int64_t, std::optional<std::string>>> read;
      std::map<std::string, int> times_below;
      for (const Bytes& stored : result.batches) {
        codecs::Decompressor decompressor;
        const ion_buf part = borrowed(stored);
        const batch::Header h = batch::read_header(stored.data());
        Buf opened;
        if (h.codec() != 0) opened = *codecs::open_batch(decompressor, {&part, 1}, h, {1 << 30, 0, {}});
        auto reader = batch::RecordReader::open(h.codec() == 0 ? std::span<const uint8_t>(stored) : opened.span());
        int64_t greatest = -1;
        for (auto record = reader->next(); record && *record; record = reader->next()) {
          const std::string key(text_of(*(*record)->key));
          std::optional<std::string> value;
          if ((*record)->value) value = text_of(*(*record)->value);
          if ((*record)->offset.v < clean_upto) {
            EXPECT_EQ(++times_below[key], 1) << key;
          }
          read[key] = {(*record)->offset.v, value};
          greatest = std::max(greatest, (*record)->time.ms);
        }
        EXPECT_EQ(h.max_time.ms, greatest);
      }
      for (const auto& [key, last] : newest) {
        if (!last.second && !read.contains(key)) continue;  // a tombstone may have gone, with all before it
        ASSERT_TRUE(read.contains(key)) << key;
        EXPECT_EQ(read[key], last) << key;
      }
      log.batches = result.batches;
    }
  }
}

}  // namespace
}  // namespace ion::partition
