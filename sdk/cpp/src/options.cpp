#include <codecs/codecs.h>
#include <ion/client/address.h>
#include <ion/client/options.h>
#include <ion/units.h>

#include <algorithm>
#include <string>
#include <utility>

namespace ion::client {

namespace {

constexpr uint64_t kBatchBytesMin = 1 << 10, kBatchBytesMax = 16 << 20, kFrameBytesMax = 32 << 20, kMemoryBytesMax = uint64_t{1} << 40, kMemoryRecordsMax = 1'000'000'000;

// Keeps what is wrong with the first option that is wrong.
class OptionCheck {
 public:
  explicit OptionCheck(std::string whose) : whose_(std::move(whose)) {}
  void time(const char* option, Nanos have, Nanos least, Nanos most) {
    if (have < least || most < have) wrong(option, duration_text(least) + " to " + duration_text(most), duration_text(have));
  }
  void bytes(const char* option, uint64_t have, uint64_t least, uint64_t most) {
    if (have < least || most < have) wrong(option, bytes_text(signed_of(least)) + " to " + bytes_text(signed_of(most)), bytes_text(signed_of(have)));
  }
  void count(const char* option, uint64_t have, uint64_t least, uint64_t most) {
    if (have < least || most < have) wrong(option, std::to_string(least) + " to " + std::to_string(most), std::to_string(have));
  }
  void wrong(const char* option, const std::string& want, const std::string& have) {
    if (status_.ok()) status_ = Status(ION_E_INVALID, whose_ + " options: " + option + ": want " + want + ", have " + have);
  }
  bool ok() const { return status_.ok(); }
  Status status() const { return status_; }

 private:
  static int64_t signed_of(uint64_t n) { return static_cast<int64_t>(std::min<uint64_t>(n, INT64_MAX)); }
  const std::string whose_;
  Status status_;
};

}  // namespace

Status ClientOptions::check() const {
  OptionCheck check("client");
  if (brokers.empty()) check.wrong("brokers", "at least one host:port", "none");
  for (const std::string& b : brokers)
    if (const auto address = parse_address(b); !address) return {ION_E_INVALID, "client options: brokers: " + address.error().message()};
  check.time("connect_timeout", connect_timeout, milliseconds(1), kTimeoutMax);
  check.time("request_timeout", request_timeout, milliseconds(1), kTimeoutMax);
  return check.status();
}

Status ProducerOptions::check() const {
  OptionCheck check("producer");
  if (acks != Acks::kAll && acks != Acks::kLeader && acks != Acks::kNone) check.wrong("acks", "one of client::Acks", std::to_string(static_cast<int>(acks)));
  check.time("delivery_timeout", delivery_timeout, kDeliveryTimeoutMin, kTimeoutMax);
  if (check.ok()) check.time("linger", linger, {}, delivery_timeout);
  check.bytes("batch_bytes_max", batch_bytes_max, kBatchBytesMin, kBatchBytesMax);
  check.bytes("batch_bytes_ready", batch_bytes_ready, 1, kBatchBytesMax);
  check.bytes("memory_bytes_max", memory_bytes_max, batch_bytes_max, kMemoryBytesMax);
  check.count("memory_records_max", memory_records_max, 1, kMemoryRecordsMax);
  if (compression < Compression::kNone || compression > Compression::kZstd)
    check.wrong("compression", "one of client::Compression", std::to_string(static_cast<int>(compression)));
  if (!check.ok()) return check.status();
  const auto codec = static_cast<codecs::Codec>(compression);
  const codecs::Levels levels = codecs::levels_of(codec);
  if (compression_level && (*compression_level < levels.least || *compression_level > levels.most))
    check.wrong("compression_level", levels.least == levels.most ? "none, since " + std::string(codecs::name_of(codec)) + " has no levels"
                                                                 : std::to_string(levels.least) + " to " + std::to_string(levels.most) + " of " + std::string(codecs::name_of(codec)),
                std::to_string(*compression_level));
  return check.status();
}

Status ReaderOptions::check() const {
  OptionCheck check("reader");
  if (topic.empty()) check.wrong("topic", "the name of a topic", "none");
  for (const int32_t partition : partitions)
    if (partition < 0) check.wrong("partitions", "partitions from 0 on", std::to_string(partition));
  check.bytes("frame_bytes_max", frame_bytes_max, kBatchBytesMin, kFrameBytesMax);
  check.bytes("credit_bytes", credit_bytes, frame_bytes_max, kMemoryBytesMax);
  if (from == From::kOffset && offset < 0) check.wrong("offset", "0 or more", std::to_string(offset));
  for (const At& at : offsets) {
    if (at.partition < 0) check.wrong("offsets", "partitions from 0 on", std::to_string(at.partition));
    if (at.offset < 0) check.wrong("offsets", "offsets from 0 on", std::to_string(at.offset));
  }
  check.time("unreachable_timeout", unreachable_timeout, {}, kTimeoutMax);
  return check.status();
}

}  // namespace ion::client
