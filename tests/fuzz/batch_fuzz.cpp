// Foreign bytes as a record batch: what batch::check believes must be readable to its last record without leaving the bytes, the
// answer must not depend on how the bytes are cut into parts, and a flipped byte under the checksum is never believed.
#include "fuzz/fuzz_target.h"

#include <ion/assert.h>
#include <ion/record_reader.h>
#include <ion/record_writer.h>

#include <string>

namespace {

using namespace ion;

// Walks everything; answers how many records were read before the end or the first disagreement.
int64_t walk(std::span<const uint8_t> bytes) {
  auto reader = batch::RecordReader::open(bytes);
  if (!reader) return -1;
  int64_t n = 0;
  for (;;) {
    auto record = reader->next();
    if (!record || !*record) return n;
    ++n;
    for (const auto& field : {(*record)->key, (*record)->value})
      ION_ASSERT(!field || field->empty() || (field->data() >= bytes.data() && field->data() + field->size() <= bytes.data() + bytes.size()));
    batch::HeaderReader headers(**record);
    while (headers.next()) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> bytes(data, size);
  (void)walk(bytes);  // also without any check before: the reader trusts nothing
  const ion_buf whole = borrowed(bytes);
  const auto one = batch::check(std::span<const ion_buf>(&whole, 1), 1 << 20, batch::From::kClient);
  const ion_buf parts[] = {borrowed(bytes.first(size / 3)), borrowed(bytes.subspan(size / 3, size / 2 - size / 3)), borrowed(bytes.subspan(size / 2))};
  const auto three = batch::check(parts, 1 << 20, batch::From::kClient);
  ION_ASSERT(one.has_value() == three.has_value());
  if (!one) return 0;
  ION_ASSERT(one->total_bytes() == size);
  if (one->codec() == 0) (void)walk(bytes);
  if (size > batch::kCrcFrom) {
    std::vector<uint8_t> bad(data, data + size);
    bad[batch::kCrcFrom + (size * 7 % (size - batch::kCrcFrom))] ^= 0x10;
    const ion_buf flipped = borrowed(bad);
    ION_ASSERT(!batch::check(std::span<const ion_buf>(&flipped, 1), 1 << 20, batch::From::kClient));
  }
  return 0;
}

std::vector<std::vector<uint8_t>> fuzz_seeds() {
  std::vector<std::vector<uint8_t>> seeds;
  for (int n : {1, 2, 30}) {
    batch::RecordWriter w;
    const batch::RecordHeader header{"h", span_of(std::string_view("x"))};
    for (int i = 0; i < n; ++i) {
      const std::string value(static_cast<size_t>(i * 3), 'v');
      batch::NewRecord r;
      if (i % 2 == 0) r.key = span_of(std::string_view("key"));
      if (i % 5 != 4) r.value = span_of(std::string_view(value));
      r.time = {1'700'000'000'000 + i};
      if (i % 3 == 0) r.headers = std::span<const batch::RecordHeader>(&header, 1);
      w.append(r);
    }
    seeds.push_back(w.finish(n == 2 ? batch::Identity{{5}, {0}, 7} : batch::Identity{}));
  }
  return seeds;
}
