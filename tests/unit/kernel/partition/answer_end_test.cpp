// Where an answer may end, and that one that may not goes on.
#include "partition/core/answer_end.h"
#include "partition_test.h"


namespace ion::partition {
namespace {

using Bytes = std::vector<uint8_t>;

// Three offsets whose records at `left` are there: "a", "b", "c" by their place.
Bytes gapped(Offset base, const std::vector<int32_t>& left) {
  Bytes whole = make_batch({"a", "b", "c"});
  batch::Header h = batch::read_header(whole.data());
  Bytes bytes(batch::kHeaderBytes);
  const size_t each = (whole.size() - batch::kHeaderBytes) / 3;
  for (const int32_t i : left) bytes.insert(bytes.end(), whole.begin() + static_cast<std::ptrdiff_t>(batch::kHeaderBytes + each * static_cast<size_t>(i)), whole.begin() + static_cast<std::ptrdiff_t>(batch::kHeaderBytes + each * static_cast<size_t>(i + 1)));
  h.base_offset = base, h.count = static_cast<int32_t>(left.size()), h.length = static_cast<int32_t>(bytes.size() - batch::kLengthEnd);
  batch::write_header(bytes.data(), h);
  batch::store_big<uint32_t>(bytes.data() + batch::kCrcAt, crc32c::of(std::span<const uint8_t>(bytes).subspan(batch::kCrcFrom)));
  return bytes;
}
AnswerEnd end_of(const std::vector<Bytes>& batches) {
  std::vector<ion_buf> parts;
  for (const Bytes& b : batches) parts.push_back(borrowed(b));
  return find_answer_end(parts);
}

TEST(AnswerEnd, a_batch_with_a_record_at_its_last_offset_is_an_end) {
  EXPECT_EQ(end_of({gapped({0}, {0, 1, 2}), gapped({3}, {0, 1, 2})}).next.v, 6);
  EXPECT_EQ(end_of({gapped({0}, {0, 1, 2}), gapped({3}, {0, 2})}).next.v, 6);
}

TEST(AnswerEnd, what_has_none_there_is_left_for_the_next_answer) {
  const Bytes full = gapped({0}, {0, 1, 2});
  const AnswerEnd end = end_of({full, gapped({3}, {0, 1}), gapped({6}, {})});
  EXPECT_TRUE(end.live);
  EXPECT_EQ(end.next.v, 3);
  EXPECT_EQ(end.bytes, full.size());
}

TEST(AnswerEnd, without_an_end_more_is_wanted) {
  EXPECT_FALSE(end_of({gapped({0}, {0}), gapped({3}, {})}).live);
  EXPECT_FALSE(end_of({gapped({0}, {0}), gapped({3}, {})}).goes_on);
}

struct GappedReads : PartitionTest {
  void put(Bytes bytes) {
    const batch::Header h = batch::read_header(bytes.data());
    data_.next = data_.durable = h.next_offset();
    data_.batches.emplace_back(h, std::move(bytes));
  }
  // The offset behind an answer of at most `bytes`.
  int64_t next_after(int64_t offset, uint64_t bytes) {
    auto f = std::make_unique<Fetched>();
    f->answer.error = &f->error;
    call([&](Op& op) { return partition_->fetch(op, {{offset}, 1, bytes, Instant{}}, f->answer); }, [&](const ion_result& r) { f->status = Outcome::from(r).status; });
    run();
    EXPECT_TRUE(f->status && f->status->ok());
    return f->answer.next;
  }
};

TEST_F(GappedReads, no_answer_ends_with_a_batch_without_its_last_record_while_data_follows) {
  put(gapped({0}, {0, 1, 2}));
  put(gapped({3}, {0}));
  put(gapped({6}, {}));
  put(gapped({9}, {0, 1, 2}));
  put(gapped({12}, {0}));
  put(gapped({15}, {}));
  open();
  const uint64_t one = 1, two = gapped({0}, {0, 1, 2}).size() + gapped({0}, {0}).size();
  EXPECT_EQ(next_after(0, two), 3) << "the second batch is left for the next answer";
  EXPECT_EQ(next_after(3, one), 18) << "it is answered with what follows";
  EXPECT_EQ(next_after(6, one), 18);
  EXPECT_EQ(next_after(12, one), 18) << "nothing but gaps up to the end";
}

}  // namespace
}  // namespace ion::partition
