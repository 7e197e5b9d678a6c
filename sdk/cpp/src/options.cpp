#include <codecs/codecs.h>
#include <ion/client/options.h>

#include <string>

namespace ion::client {

Status ProducerOptions::check() const {
  const auto wrong = [](const std::string& words) { return Status(ION_E_INVALID, "producer options: " + words); };
  if (delivery_timeout < seconds(1)) return wrong("delivery_timeout is at least 1 s, not " + std::to_string(delivery_timeout.n / 1'000'000) + " ms");
  if (linger.n < 0 || linger > delivery_timeout) return wrong("linger lies between 0 and delivery_timeout");
  if (batch_bytes_max < 1024 || batch_bytes_max > (16 << 20)) return wrong("batch_bytes_max lies between 1 KiB and 16 MiB, not " + std::to_string(batch_bytes_max));
  if (memory_bytes_max < batch_bytes_max) return wrong("memory_bytes_max holds at least one batch of " + std::to_string(batch_bytes_max) + " bytes");
  if (memory_records_max == 0) return wrong("memory_records_max is at least 1");
  const auto codec = static_cast<codecs::Codec>(compression);
  const codecs::Levels levels = codecs::levels_of(codec);
  if (compression_level && (*compression_level < levels.least || *compression_level > levels.most))
    return wrong("compression_level: " + std::string(codecs::name_of(codec)) +
                 (levels.least == levels.most ? " has no levels" : " has levels " + std::to_string(levels.least) + " to " + std::to_string(levels.most)) + ", not " +
                 std::to_string(*compression_level));
  return {};
}

Status ReaderOptions::check() const {
  const auto wrong = [](const std::string& words) { return Status(ION_E_INVALID, "reader options: " + words); };
  if (topic.empty()) return wrong("topic is missing");
  if (frame_bytes_max < 1024 || frame_bytes_max > (32 << 20)) return wrong("frame_bytes_max lies between 1 KiB and 32 MiB, not " + std::to_string(frame_bytes_max));
  if (credit_bytes < frame_bytes_max) return wrong("credit_bytes holds at least one frame of " + std::to_string(frame_bytes_max) + " bytes");
  if (from == From::kOffset && offset < 0) return wrong("an offset is not negative");
  for (const At& at : offsets)
    if (at.partition < 0 || at.offset < 0) return wrong("partitions and offsets are not negative");
  return {};
}

}  // namespace ion::client
