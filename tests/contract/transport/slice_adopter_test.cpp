// Messages that are kept: their memory is gRPC's, and goes back to it on the thread that lets go of them.
#include "io/slice_adopter.h"
#include "raw_client.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/resource_quota.h>

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace ion::test {
namespace {

using transport_grpc::Message;

// Takes the first message of every call and leaves the call open.
class KeepingService final : public grpc::CallbackGenericService {
 public:
  // Nothing: none came within ten seconds.
  Message wait() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return static_cast<bool>(kept_); });
    return std::move(kept_);
  }

 private:
  class Call final : public grpc::ServerGenericBidiReactor {
   public:
    explicit Call(KeepingService& service) : service_(service) { StartRead(&received_); }
    void OnReadDone(bool ok) override {
      if (ok) service_.keep(transport_grpc::take(received_, {}, service_.metrics_));
      received_.Clear();
    }
    void OnCancel() override { Finish(grpc::Status::CANCELLED); }
    void OnDone() override { delete this; }

   private:
    KeepingService& service_;
    grpc::ByteBuffer received_;
  };

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override { return new Call(*this); }
  void keep(Message message) {
    const std::lock_guard lock(mutex_);
    kept_ = std::move(message);
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Message kept_;
  transport_grpc::TransportMetrics metrics_;
};

// A server whose memory the test can take away.
class SliceAdopter : public testing::Test {
 protected:
  SliceAdopter() {
    grpc::ServerBuilder builder;
    quota.Resize(kPlenty);
    builder.SetResourceQuota(quota);
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&service);
    server = builder.BuildAndStart();
    address = "127.0.0.1:" + std::to_string(port);
  }
  ~SliceAdopter() override { server->Shutdown(gpr_inf_past(GPR_CLOCK_REALTIME)); }

  static constexpr size_t kPlenty = 64 << 20;
  grpc::ResourceQuota quota;
  KeepingService service;
  std::unique_ptr<grpc::Server> server;
  std::string address;
};

// When nothing is left to reclaim, gRPC waits for memory that comes back, and is woken on the thread that brings it. When it begins to wait
// is not seen from here, so there are several rounds.
TEST_F(SliceAdopter, a_message_may_go_on_any_thread_also_while_grpc_is_short_of_memory) {
  const std::string bytes(1 << 20, 'v');
  for (int round = 0; round < 20; ++round) {
    RawClient client(address);
    auto stream = client.open("/test.Keeper/Keep");
    ASSERT_TRUE(stream->write(bytes));
    Message kept = service.wait();
    ASSERT_TRUE(kept);
    quota.Resize(1);
    EXPECT_EQ(stream->finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);  // there was nothing else to reclaim
    EXPECT_EQ(kept.joined(), bytes);
    kept.reset();
    quota.Resize(kPlenty);
  }
}

}  // namespace
}  // namespace ion::test
