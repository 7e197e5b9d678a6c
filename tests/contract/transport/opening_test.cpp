// Compressed batches for readers of messages: they are opened on the host's blocking pool, never where a fetch is completed.
#include "transport_fixture.h"

#include <codecs/batches.h>

#include <future>

namespace ion::test {
namespace {

class Opening : public TransportTest {
 protected:
  ~Opening() override { release(); }

  // Three records that are one compressed batch.
  static std::vector<uint8_t> packed() {
    codecs::Compressor compressor;
    const Buf made = *codecs::compress_batch(compressor, codecs::Codec::kZstd, codecs::kDefaultLevel, batch_of(3, 2000));
    EXPECT_FALSE(made.empty());
    return {made.data(), made.data() + made.size()};
  }
  std::unique_ptr<RawStream> subscribe(const std::string& topic) {
    v1::SubscribeRequest r;
    r.add_parts()->set_topic(topic);
    r.set_delivery(v1::DELIVERY_MESSAGES);
    auto stream = client->open(kSubscribe);
    EXPECT_TRUE(stream->write(r.SerializeAsString()));
    stream->done_writing();
    EXPECT_TRUE(stream->read()) << "the session";
    return stream;
  }
  // The offsets of the messages in the stream's next frames, until there are so many.
  static std::vector<int64_t> offsets(RawStream& stream, size_t count) {
    std::vector<int64_t> all;
    while (all.size() < count) {
      const auto bytes = stream.read();
      if (!bytes) break;
      const auto response = parse<v1::FetchResponse>(*bytes);
      for (const auto& message : response.messages()) all.push_back(message.offset());
    }
    return all;
  }
  // The pool does nothing from here to release().
  void hold() {
    ASSERT_TRUE(post_blocking(host.executor(), [wait = released_.get_future().share()] { wait.wait(); }).ok());
    held_ = true;
  }
  void release() {
    if (std::exchange(held_, false)) released_.set_value();
  }
  bool wait_jobs(uint64_t count) const {
    for (int turns = 0; turns < 20'000'000 && jobs() < count; ++turns) std::this_thread::yield();
    return jobs() >= count;
  }
  uint64_t jobs() const { return host.executor().blocking_jobs(); }

 private:
  std::promise<void> released_;
  bool held_ = false;
};

TEST_F(Opening, a_fetch_of_messages_is_decoded_on_the_pool_if_there_is_something_to_open_and_else_at_once) {
  host.api().add_topic("packed", 1);
  host.api().add_topic("plain", 1);
  host.api().append("packed", 0, packed());
  host.api().append("plain", 0, batch_of(3));
  serve();
  for (const char* topic : {"plain", "packed"}) {
    v1::FetchRequest request;
    request.set_topic(topic);
    request.set_offset(1);
    request.set_delivery(v1::DELIVERY_MESSAGES);
    const UnaryResult result = client->call(kFetch, request.SerializeAsString());
    ASSERT_TRUE(result.status.ok()) << result.status.error_message();
    EXPECT_EQ(parse<v1::FetchResponse>(result.bytes).messages_size(), 2);
    EXPECT_EQ(jobs(), topic == std::string("plain") ? 0u : 1u);
  }
}

TEST_F(Opening, who_completes_a_read_and_other_streams_do_not_wait_for_it_and_a_partition_keeps_its_order) {
  host.api().add_topic("packed", 1);
  host.api().add_topic("plain", 1);
  serve();
  auto stream = subscribe("packed"), other = subscribe("plain");
  ASSERT_TRUE(host.api().wait_parked(2));
  hold();
  host.api().append("packed", 0, packed());  // completes the fetch, on this thread
  ASSERT_TRUE(wait_jobs(2));
  host.api().append("packed", 0, batch_of(1));
  host.api().append("packed", 0, packed());
  host.api().append("plain", 0, batch_of(2));
  EXPECT_EQ(offsets(*other, 2), (std::vector<int64_t>{0, 1}));
  release();
  EXPECT_EQ(offsets(*stream, 7), (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST_F(Opening, many_parts_that_wake_at_once_are_opened_one_after_the_other) {
  constexpr int kParts = 20;
  host.api().add_topic("packed", kParts);
  serve();
  v1::SubscribeRequest r;
  for (int i = 0; i < kParts; ++i) {
    r.add_parts()->set_topic("packed");
    r.mutable_parts(i)->set_partition(i);
  }
  r.set_delivery(v1::DELIVERY_MESSAGES);
  auto stream = client->open(kSubscribe);
  ASSERT_TRUE(stream->write(r.SerializeAsString()));
  ASSERT_TRUE(host.api().wait_parked(kParts));
  hold();
  for (int i = 0; i < kParts; ++i) host.api().append("packed", i, packed());
  ASSERT_TRUE(wait_jobs(2));
  EXPECT_EQ(jobs(), 2u) << "the held one and one for this stream";
  EXPECT_TRUE(host.api().wait_leases(3)) << "what is being opened, and behind it two reads that fit into the ready bytes";
  release();
  EXPECT_EQ(offsets(*stream, 3 * kParts).size(), 3u * kParts);
}

TEST_F(Opening, a_client_may_go_meanwhile) {
  host.api().add_topic("packed", 1);
  host.api().append("packed", 0, packed());
  serve();
  hold();
  auto stream = subscribe("packed");
  v1::FetchRequest request;
  request.set_topic("packed");
  request.set_delivery(v1::DELIVERY_MESSAGES);
  auto fetch = client->open(kFetch);
  ASSERT_TRUE(fetch->write(request.SerializeAsString()));
  ASSERT_TRUE(wait_jobs(3));
  stream.reset();
  fetch.reset();
  release();
}  // TearDown proves that no call and no lease is left

}  // namespace
}  // namespace ion::test
