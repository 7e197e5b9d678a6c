// Any bytes as a record batch from a client: check() and the reader of its records never read outside, and what check() accepts is
// consistent in itself; what prove_records() believes is read to its last header. Each input is also tried with its CRC made right, so that the fuzzer gets behind that check.
#include "fuzz/fuzz_target.h"
#include "support/batch_builder.h"

#include <ion/record_proof.h>
#include <ion/record_reader.h>

#include <cstdlib>

using namespace ion;

namespace {

void read_all(std::span<const uint8_t> bytes) {
  Result<batch::RecordReader> reader = batch::RecordReader::open(bytes);
  if (!reader) return;
  const uint8_t *begin = bytes.data(), *end = bytes.data() + bytes.size();
  const auto inside = [&](const auto& part) {
    if (part && !part->empty() && (part->data() < begin || part->data() + part->size() > end)) std::abort();
  };
  for (int n = 0; n < 1'000'000; ++n) {
    const auto record = reader->next();
    if (!record || !record->has_value()) return;
    inside((*record)->key), inside((*record)->value);
    batch::HeaderReader headers(**record);
    while (const auto header = headers.next()) inside(header->value);
  }
}

// Records and headers that a reader gets without an error; -1 where one is met.
int64_t records_in(std::span<const uint8_t> bytes) {
  Result<batch::RecordReader> reader = batch::RecordReader::open(bytes);
  if (!reader) return -1;
  for (int64_t n = 0;; ++n) {
    const auto record = reader->next();
    if (!record) return -1;
    if (!record->has_value()) return n;
    batch::HeaderReader headers(**record);
    int32_t seen = 0;
    while (headers.next()) ++seen;
    if (seen != (*record)->header_count) return -1;
  }
}

void check_and_read(std::span<const uint8_t> bytes) {
  // In one part and in several: the answer is the same.
  const ion_buf whole = borrowed(bytes);
  const std::vector<ion_buf> parts{borrowed(bytes.first(bytes.size() / 3)), borrowed({}), borrowed(bytes.subspan(bytes.size() / 3))};
  for (const auto from : {batch::From::kClient, batch::From::kBroker}) {
    const auto one = batch::check({&whole, 1}, 1 << 20, from), two = batch::check(parts, 1 << 20, from);
    if (one.has_value() != two.has_value()) std::abort();
    if (!one) continue;
    const Status proved = batch::prove_records({&whole, 1}, *one, 1 << 20), in_parts = batch::prove_records(parts, *one, 1 << 20);
    if (proved.text() != in_parts.text()) std::abort();
    if (proved.ok() && records_in(bytes) != one->count) std::abort();  // what is proved is read to its end
    if (one->total_bytes() != bytes.size() || one->count < 1 || one->next_offset() - one->base_offset != one->count) std::abort();
  }
  read_all(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> bytes(data, size);
  check_and_read(bytes);
  if (size < batch::kHeaderBytes) return 0;
  std::vector<uint8_t> right(data, data + size);
  batch::store_big<uint32_t>(right.data() + batch::kCrcAt, crc32c::of(std::span<const uint8_t>(right).subspan(batch::kCrcFrom)));
  check_and_read(right);
  return 0;
}

std::vector<std::vector<uint8_t>> fuzz_seeds() {
  std::vector<std::vector<uint8_t>> seeds{{}, std::vector<uint8_t>(61, 0)};
  seeds.push_back(test::make_batch({0}, {"one"}).bytes);
  seeds.push_back(test::make_batch({77}, {"one", "two", "", std::string(300, 'x')}).bytes);
  batch::RecordWriter writer;
  const std::string text = "value";
  const std::vector<batch::RecordHeader> headers{{"trace", span_of(text)}, {"", {}}};
  writer.append({span_of(text), std::nullopt, {5}, headers});
  writer.append({std::nullopt, span_of(text), {4}, {}});
  seeds.push_back(writer.finish({{1234}, {2}, 7}));
  return seeds;
}
