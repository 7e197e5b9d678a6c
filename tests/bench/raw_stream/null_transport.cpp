#include "null_transport.h"

#include "fake_host.h"
#include "io/transport_grpc.h"

#include <atomic>

namespace ion::bench {
namespace {

// Leased memory that outlives everything: the count is all that a lease costs.
struct Forever {
  std::atomic<uint64_t> references{0};
  static void retain(void* self) noexcept { static_cast<Forever*>(self)->references.fetch_add(1, std::memory_order_relaxed); }
  static void release(void* self) noexcept { static_cast<Forever*>(self)->references.fetch_sub(1, std::memory_order_relaxed); }
  static constexpr ion_buf_ops kOps{sizeof(ion_buf_ops), ION_BUF_MAPPED, &Forever::retain, &Forever::release};
};

class NullBroker final : public PartialBrokerApi {
 public:
  explicit NullBroker(uint64_t fetch_bytes) : payload_(fetch_bytes, 'n') {}

  Answer produce(Op& op, const ion_produce_req&, ion_produce_answer& a) override {
    a.base = next_.fetch_add(1, std::memory_order_relaxed), a.next = a.base + 1, a.high_watermark = a.next;
    return op.ok();
  }
  Answer fetch(Op& op, const ion_fetch_req& r, ion_fetch_answer& a) override {
    Forever::retain(&count_);
    Buf bytes = Buf::adopt({reinterpret_cast<const uint8_t*>(payload_.data()), payload_.size(), &Forever::kOps, &count_});
    a.base = r.offset, a.next = r.offset + 1, a.high_watermark = a.next;
    return op.ok(0, 0, {&bytes, 1});
  }

 private:
  const std::string payload_;
  Forever count_;
  std::atomic<int64_t> next_{0};
};

class Running final : public NullTransport {
 public:
  explicit Running(uint64_t fetch_bytes) : api_(fetch_bytes) { host_.set_broker_api(api_); }
  Status open(const NullOptions& options) {
    transport_grpc::TransportGrpcConfig config;
    config.frame_bytes = options.frame_bytes, config.lookahead_bytes = options.lookahead_bytes, config.read_chunk_bytes = options.read_chunk_bytes;
    config.subscribe_credit_max = uint64_t{16} << 30;
    ION_TRY(plugin_, transport_grpc::TransportGrpc::create(Host(host_.table()), config));
    ION_CHECK(plugin_->start());
    ION_TRY(listener_, plugin_->transport().listen("127.0.0.1:0"));
    return {};
  }
  ~Running() override {
    if (listener_ != nullptr) wait([&](Op& op) { return listener_->stop(op); });
    listener_.reset();
    if (plugin_ != nullptr) wait([&](Op& op) { return plugin_->drain(op); });
  }
  std::string address() override { return listener_->address(); }

 private:
  template <class Start>
  static void wait(Start&& start) {
    struct End {
      std::mutex mutex;
      std::condition_variable changed;
      bool done = false;
    } end;
    call(std::forward<Start>(start), [&end](const ion_result&) {  // `end` lives until this has run
      const std::lock_guard lock(end.mutex);
      end.done = true;
      end.changed.notify_all();
    });
    std::unique_lock lock(end.mutex);
    end.changed.wait(lock, [&] { return end.done; });
  }

  NullBroker api_;
  test::FakeHost host_;
  std::unique_ptr<transport_grpc::TransportGrpc> plugin_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace

Result<std::unique_ptr<NullTransport>> NullTransport::start(const NullOptions& options) {
  auto running = std::make_unique<Running>(options.fetch_bytes);
  ION_CHECK(running->open(options));
  return std::unique_ptr<NullTransport>(std::move(running));
}

}  // namespace ion::bench
