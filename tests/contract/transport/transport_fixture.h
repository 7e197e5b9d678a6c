// The small language of these tests: a plugin on a fake host, listening on a free port, and a client of bytes.
#pragma once
#include "fake_host.h"
#include "raw_client.h"

#include "io/transport_grpc.h"

#include <ion/record_writer.h>
#include <ionstream/v1/admin.pb.h>
#include <ionstream/v1/broker.pb.h>
#include <ionstream/v1/rpc_status.pb.h>

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace ion::test {

namespace v1 = ionstream::v1;

// The end of an op, for a test that waits for it.
class OpEnd {
 public:
  template <class Start>
  void ask(CallOptions options, Start&& start) {
    call(options, std::forward<Start>(start), [shared = shared_](const ion_result& r) {
      const std::lock_guard lock(shared->mutex);
      shared->status = Status::from(r.status, r.err), shared->done = true;
      shared->changed.notify_all();
    });
  }
  bool done() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->done;
  }
  Status wait() const {
    std::unique_lock lock(shared_->mutex);
    if (!shared_->changed.wait_for(lock, std::chrono::seconds(20), [&] { return shared_->done; }))
      return {ION_E_DEADLINE, "the test waited twenty seconds for an op"};
    return shared_->status;
  }

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    Status status;
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();  // shared: the completion may outlive an impatient test
};

using TransportConfig = transport_grpc::TransportGrpcConfig;

class TransportTest : public testing::Test {
 protected:
  void TearDown() override { end(); }

  // Begins to serve. Called once, by the test, after it has turned what it wants to turn.
  void serve(TransportConfig config = {}) {
    auto made = transport_grpc::TransportGrpc::create(Host(host.table()), config);
    ASSERT_TRUE(made) << made.error().text();
    plugin = *std::move(made);
    ASSERT_TRUE(plugin->start().ok());
    auto listening = plugin->transport().listen("127.0.0.1:0");
    ASSERT_TRUE(listening) << listening.error().text();
    listener = *std::move(listening);
    client = std::make_unique<RawClient>(listener->address());
  }
  Status stop() {
    OpEnd stopped;
    stopped.ask({}, [&](Op& op) { return listener->stop(op); });
    const Status status = stopped.wait();
    listener.reset();
    return status;
  }
  // Lets other threads run until a metric has reached `least`; false: not after very many turns.
  bool wait_metric(const std::string& name, int64_t least) const {
    for (int turns = 0; turns < 20'000'000 && host.metric(name) < least; ++turns) std::this_thread::yield();
    return host.metric(name) >= least;
  }
  // The whole way down; nothing may hang and no lease may stay.
  void end() {
    client.reset();
    if (plugin == nullptr) return;
    host.api().release_all();
    if (listener != nullptr) {
      EXPECT_TRUE(stop().ok());
    }
    OpEnd drained;
    drained.ask({}, [&](Op& op) { return plugin->drain(op); });
    EXPECT_TRUE(drained.wait().ok());
    plugin.reset();
    EXPECT_EQ(host.api().leases(), 0);
    EXPECT_EQ(host.timers().armed(), 0u);
    EXPECT_EQ(host.metric("ionstream_transport_calls"), 0);
  }

  FakeHost host;
  std::unique_ptr<transport_grpc::TransportGrpc> plugin;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<RawClient> client;
};

// A record batch of n records with values of `bytes` bytes.
inline std::vector<uint8_t> batch_of(int n, size_t bytes = 10) {
  batch::RecordWriter writer;
  const std::string value(bytes, 'v');
  for (int i = 0; i < n; ++i) writer.append({std::nullopt, span_of(value), {1'700'000'000'000 + i}, {}});
  return writer.finish();
}
inline std::string text_of_bytes(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

inline std::string produce_request(const std::string& topic, int32_t partition, const std::vector<uint8_t>& batch, uint64_t correlation = 0) {
  v1::ProduceRequest request;
  request.set_topic(topic);
  request.set_partition(partition);
  request.set_correlation(correlation);
  request.set_records(text_of_bytes(batch));
  return request.SerializeAsString();
}
template <class T>
T parse(const std::string& bytes) {
  T message;
  EXPECT_TRUE(message.ParseFromString(bytes));
  return message;
}
// What stands in grpc-status-details-bin.
inline v1::ErrorDetail detail_of(const grpc::Status& status) {
  v1::RpcStatus details;
  v1::ErrorDetail detail;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), status.error_code());
  EXPECT_TRUE(details.details_size() == 1 && details.details(0).UnpackTo(&detail)) << "details: " << details.details_size();
  return detail;
}

inline constexpr char kProduce[] = "/ionstream.v1.Broker/Produce";
inline constexpr char kProduceStream[] = "/ionstream.v1.Broker/ProduceStream";
inline constexpr char kFetch[] = "/ionstream.v1.Broker/Fetch";
inline constexpr char kSubscribe[] = "/ionstream.v1.Broker/Subscribe";
inline constexpr char kCredit[] = "/ionstream.v1.Broker/Credit";

}  // namespace ion::test
