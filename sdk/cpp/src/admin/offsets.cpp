// First and next offsets of partitions.
#include "admin/offsets.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "ionstream/v1/broker.pb.h"
#include "parse_answer.h"
#include "runtime.h"
#include "status_codec.h"

namespace ion::client {

namespace pb = ionstream::v1;

namespace {
constexpr const char* kMethod = "/ionstream.v1.Broker/ListOffsets";
constexpr Nanos kAskAgain = milliseconds(50);

pb::ListOffsetsRequest request_for(std::string_view topic, const std::vector<int32_t>& partitions) {
  pb::ListOffsetsRequest m;
  m.set_topic(std::string(topic));
  m.mutable_partitions()->Add(partitions.begin(), partitions.end());
  return m;
}
std::string encode(std::string_view topic, const std::vector<int32_t>& partitions, OffsetOf what) {
  pb::ListOffsetsRequest m = request_for(topic, partitions);
  m.set_what(what == OffsetOf::kStart ? pb::ListOffsetsRequest::WHAT_START : pb::ListOffsetsRequest::WHAT_END);
  return m.SerializeAsString();
}

Result<std::vector<PartitionOffset>> decode(std::string_view bytes) {
  ION_TRY(const auto m, parse_answer<pb::ListOffsetsResponse>(bytes));
  std::vector<PartitionOffset> out;
  for (const auto& e : m.offsets()) {
    PartitionOffset o{{e.partition()}, {e.offset()}, {}, {}};
    if (e.time_ms() != -1) o.time = WallMs{e.time_ms()};
    if (e.has_error() && e.error().code() != pb::CODE_UNSPECIFIED) o.error = decode_error_detail(e.error().SerializeAsString()).status;
    out.push_back(std::move(o));
  }
  return out;
}
}  // namespace

void ask_offsets(Runtime& runtime, const std::string& topic, const std::vector<int32_t>& partitions, OffsetOf what,
                 std::function<void(Failure, std::vector<PartitionOffset>)> done) {
  runtime.ask({kMethod, encode(topic, partitions, what), runtime.options().request_timeout}, [done = std::move(done)](Reply reply) {
    if (!reply.failure.status.ok()) return done(std::move(reply.failure), {});
    Result<std::vector<PartitionOffset>> offsets = decode(reply.bytes);
    if (offsets) return done({}, *std::move(offsets));
    done({offsets.error(), false, {}, {}}, {});
  });
}

Result<std::vector<PartitionOffset>> Admin::list_offsets(std::string_view topic, const std::vector<int32_t>& partitions, OffsetOf what, Nanos timeout) {
  return ask_again_until_served(encode(topic, partitions, what), timeout);
}

Result<std::vector<PartitionOffset>> Admin::offsets_at(std::string_view topic, const std::vector<int32_t>& partitions, WallMs time, Nanos timeout) {
  pb::ListOffsetsRequest m = request_for(topic, partitions);
  m.set_what(pb::ListOffsetsRequest::WHAT_TIME);
  m.set_time_ms(time.ms);
  return ask_again_until_served(m.SerializeAsString(), timeout);
}

Result<std::vector<PartitionOffset>> Admin::ask_again_until_served(const std::string& request, Nanos timeout) {
  // A partition that is still being opened, or that has just moved, is asked again as a call would be.
  const Instant end = Driver::now() + timeout;
  std::vector<PartitionOffset> offsets;
  for (;;) {
    const Nanos left = std::max(end - Driver::now(), milliseconds(1));
    const Result<std::string> bytes = runtime_->call({kMethod, request, left}, Repeat::kSafe);
    if (!bytes && !offsets.empty()) return offsets;  // what was answered before says more than a last question that time cut short
    if (!bytes) return bytes.error();
    ION_TRY(offsets, decode(*bytes));
    const bool again = std::any_of(offsets.begin(), offsets.end(), [](const auto& o) { return worth_asking_again({o.error, false, {}, {}}, Repeat::kSafe); });
    if (!again || end - Driver::now() <= kAskAgain) return offsets;
    std::this_thread::sleep_for(std::chrono::nanoseconds(kAskAgain.n));
  }
}

}  // namespace ion::client
