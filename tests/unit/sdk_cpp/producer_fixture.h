// A small language for tests of the producer core: a clock that is moved by hand, a broker that is played by the test.
#pragma once
#include <ion/record_reader.h>

#include <gtest/gtest.h>

#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/producer_core.h"

namespace ion::client {

struct ProducerFixture {
  explicit ProducerFixture(ProducerLimits l = {}) : limits(l), core("orders", limits, 0) {}

  struct Outcome {
    std::string value;
    Status status;
    Receipt receipt;
  };

  // Sends a record; its outcome is listed under its value.
  void send(std::string value, std::optional<std::string_view> key = {}, std::optional<int32_t> partition = {}) {
    const Status s = try_send(std::move(value), key, partition);
    EXPECT_TRUE(s.ok()) << s.text();
  }
  Status try_send(std::string value, std::optional<std::string_view> key = {}, std::optional<int32_t> partition = {}) {
    Record r;
    r.value = value;
    r.key = key;
    if (partition) r.partition = PartitionId{*partition};
    OnDelivered done = [this, value](const Result<Receipt>& result) {
      outcomes.push_back({value, result ? Status() : result.error(), result ? *result : Receipt{}});
    };
    produce::Actions out;
    Status s = core.append(r, done, now, wall, out);
    obey(std::move(out));
    return s;
  }
  void tell(produce::Event event) { obey(core.step(event, now)); }
  void wait(Nanos n) {  // as a driver does: a tick whenever the core asks for one
    const Instant end = now + n;
    for (int i = 0; i < 100'000 && core.wake_at() <= end; ++i) {
      now = std::max(now + nanoseconds(1), core.wake_at());
      tell(produce::Tick{});
    }
    now = end;
  }

  void partitions(int n, std::string leader = "broker-a:1") {
    produce::MetadataArrived e;
    for (int i = 0; i < n; ++i) e.partitions.push_back({{i}, leader});
    tell(e);
  }
  void identity(int64_t id = 7) { tell(produce::IdentityArrived{{id}, {0}}); }
  void up(Lane lane, std::string address = "broker-a:1") { tell(produce::LinkUp{{address, lane}}); }
  void down(Lane lane, std::string words = "connection reset") {
    const LinkId link{"broker-a:1", lane};
    std::erase_if(sent, [&](const produce::Send& s) { return s.link == link; });
    std::erase(opened, link);
    tell(produce::LinkDown{link, {Status(ION_E_CLOSED, std::move(words), "UNREACHABLE"), true, {}, {}}, 0});
  }
  // Everything that a first send needs.
  void ready(int n = 1) {
    send("first");
    partitions(n);
    identity();
    up(Lane::kBulk);
    up(Lane::kLatency);
    ack();
    outcomes.clear();
    opened.clear();
  }

  // The oldest batch on the wire is answered.
  void ack(int64_t base = -1) {
    const produce::Send s = take();
    answer(s, base < 0 ? next_offset[s.partition.v] : base, {});
  }
  void refuse(Code code, std::string reason = {}, Nanos retry_after = {}) {
    const produce::Send s = take();
    answer(s, -1, Failure{Status(code, "said the broker", std::move(reason)), false, retry_after, {}});
  }
  produce::Send take() {
    if (sent.empty()) throw std::runtime_error("nothing is on the wire");
    produce::Send s = sent.front();
    sent.pop_front();
    return s;
  }
  void answer(const produce::Send& s, int64_t base, std::optional<Failure> failure) {
    produce::Ack a;
    a.correlation = s.correlation, a.partition = s.partition, a.base_offset = {base}, a.log = {3}, a.failure = std::move(failure);
    if (!a.failure) next_offset[s.partition.v] = std::max<int64_t>(next_offset[s.partition.v], base + header(s).count);
    tell(produce::Acked{{a}, 0});
  }

  static batch::Header header(const produce::Send& s) { return batch::read_header(s.bytes->data()); }
  static std::vector<std::string> values(const produce::Send& s) {
    std::vector<std::string> out;
    auto reader = batch::RecordReader::open(*s.bytes);
    while (auto r = *reader->next()) out.emplace_back(text_of(r->value.value_or(std::span<const uint8_t>())));
    return out;
  }
  std::vector<std::string> delivered() const {
    std::vector<std::string> out;
    for (const Outcome& o : outcomes)
      if (o.status.ok()) out.push_back(o.value);
    return out;
  }

  void obey(produce::Actions out) {
    for (auto& s : out.sends) sent.push_back(std::move(s));
    for (auto& l : out.open_links) opened.push_back(std::move(l));
    for (auto& l : out.reset_links) reset.push_back(std::move(l));
    for (auto& d : out.deliver) produce::call_back(d);
    metadata_asked += out.fetch_metadata;
    identity_asked += out.fetch_identity;
  }

  ProducerLimits limits;
  ProducerCore core;
  Instant now{1'000'000'000};
  WallMs wall{1'700'000'000'000};
  std::deque<produce::Send> sent;  // on the wire, oldest first
  std::vector<LinkId> opened, reset;
  std::vector<Outcome> outcomes;
  std::map<int32_t, int64_t> next_offset;
  int metadata_asked = 0, identity_asked = 0;
};

}  // namespace ion::client
