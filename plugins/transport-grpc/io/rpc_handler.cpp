#include "io/rpc_handler.h"

#include "core/request_limits.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <optional>

namespace ion::transport_grpc {
namespace {

// ion_stream is this object. It lives until on_close has returned, which the plugin knows as the end.
//
// What the plugin asks for (messages, window, end) is put down under a short lock and picked up in the strand, where one event
// stands in the queue however much was asked. Failure: a full queue is BUSY, a call that is over is CLOSED.
class RpcHandler final : public CallHandler {
 public:
  RpcHandler(GrpcCall& call, const ion_rpc_handler& handler) : call_(call), handler_(handler), metadata_(call.metadata()) {
    sink_.size = sizeof sink_;
  }

  void accepted() override {
    const ion_status code = handler_.accept(handler_.self, raw(), &kOps, &sink_);
    if (code < 0) {
      silent_ = true;  // refused: the sink was never the plugin's
      return call_.fail(Failure::of(Status(to_code(code), "the plugin that serves " + call_.method() + " refused the call")));
    }
    if (!ION_HAS(&sink_, on_message) || !ION_HAS(&sink_, on_writable) || !ION_HAS(&sink_, on_close)) {
      silent_ = true;
      return call_.fail(Failure::of(Status(ION_E_INTERNAL, "the plugin that serves " + call_.method() + " gave an incomplete sink")));
    }
    call_.read();  // the window starts at 1
  }
  void message(Message request) override {
    if (window_ > 0) --window_;
    const auto parts = request.parts();
    const ion_buf none{};  // an empty message is n 0 with parts not NULL
    (void)sink_.on_message(sink_.self, raw(), parts.empty() ? &none : parts.data(), static_cast<uint32_t>(parts.size()));
    read_on();
  }
  void half_closed() override { (void)sink_.on_message(sink_.self, raw(), nullptr, 0); }
  void writable() override { pick_up(); }
  void draining() override {
    if (handler_.kind == ION_RPC_STREAM) call_.finish(CallEnd::of(Status(ION_E_CLOSED, "this broker is draining", "DRAINING")));
  }
  void closed() override {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
      waiting_.clear();
    }
    if (!std::exchange(silent_, true)) (void)sink_.on_close(sink_.self, raw(), ended_ ? ended_->code : ION_E_CANCELLED, {});
  }

 private:
  struct End {
    Code code;
    std::string text;
  };
  class PickUp final : public Event {
   public:
    explicit PickUp(RpcHandler& handler) : handler_(handler) {}
    void run() noexcept override { handler_.pick_up_posted(); }

   private:
    RpcHandler& handler_;
  };

  ion_stream* raw() { return reinterpret_cast<ion_stream*>(this); }
  static RpcHandler& of(ion_stream* s) { return *reinterpret_cast<RpcHandler*>(s); }

  // --- any thread ---
  static ion_status send(ion_stream* s, const ion_buf* parts, uint32_t n) noexcept { return of(s).put_message({parts, n}); }
  static void grant(ion_stream* s, uint32_t messages) noexcept { of(s).put([&](RpcHandler& h) { h.granted_ += messages; }); }
  static void finish(ion_stream* s, ion_status status, ion_bytes text) noexcept {
    of(s).put([&](RpcHandler& h) {
      if (!h.end_) h.end_ = End{status == ION_OK ? ION_OK : to_code(status), std::string(text_of(text))};
    });
  }
  static ion_status attr(ion_stream* s, uint32_t what, ion_bytes name, ion_bytes* out) noexcept {
    const RpcHandler& h = of(s);
    switch (what) {
      case ION_STREAM_PEER: return *out = h.call_.who().address, ION_OK;
      case ION_STREAM_METHOD: return *out = bytes_of(h.call_.method()), ION_OK;
      case ION_STREAM_METADATA: break;
      default: return ION_E_UNSUPPORTED;
    }
    for (const auto& [key, value] : h.metadata_)
      if (key == text_of(name)) return *out = bytes_of(value), ION_OK;
    return ION_E_NOT_FOUND;
  }
  static constexpr ion_stream_ops kOps{sizeof(ion_stream_ops), 0, &RpcHandler::send, &RpcHandler::grant, &RpcHandler::finish, &RpcHandler::attr};

  ion_status put_message(std::span<const ion_buf> parts) {
    OutMessage message;
    for (const ion_buf& part : parts) message.payload.push_back(Buf::share(part));
    ion_status code = ION_OK;
    put([&](RpcHandler& h) {
      if (h.end_) code = ION_E_CLOSED;
      else if (h.waiting_.size() >= kRpcQueueMessagesMax) h.full_ = true, code = ION_E_BUSY;
      else h.waiting_.push_back(std::move(message));
    }, &code);
    return code;
  }
  template <class F>
  void put(F&& f, ion_status* code = nullptr) {
    std::shared_ptr<GrpcCall> keep;
    {
      const std::lock_guard lock(mutex_);
      if (over_) {
        if (code != nullptr) *code = ION_E_CLOSED;
        return;
      }
      f(*this);
      if (std::exchange(posted_, true)) return;
      keep = call_.shared_from_this();
    }
    keep->post(pick_up_);
  }

  // --- in the strand ---
  void pick_up_posted() {
    {
      const std::lock_guard lock(mutex_);
      posted_ = false;
    }
    pick_up();
  }
  void pick_up() {
    if (!call_.is_open()) return;
    std::optional<OutMessage> next;
    bool room = false, end = false;
    {
      const std::lock_guard lock(mutex_);
      window_ = std::min(window_ + std::exchange(granted_, 0), uint64_t{kRpcWindowMax});
      if (call_.can_write() && !waiting_.empty()) {
        next = std::move(waiting_.front());
        waiting_.pop_front();
        room = std::exchange(full_, false);
      }
      end = end_ && waiting_.empty();
    }
    if (next && end && end_->code == ION_OK) {
      ended_ = end_;
      return call_.answer(*std::move(next));
    }
    if (next) call_.write(*std::move(next));
    if (end && call_.is_open()) return send_end();
    read_on();
    if (room) (void)sink_.on_writable(sink_.self, raw());
  }
  void send_end() {
    ended_ = end_;
    if (ended_->code == ION_OK) return call_.finish({});
    call_.fail(Failure::of(Status(ended_->code, ended_->text)));
  }
  void read_on() {
    if (window_ > 0) call_.read();
  }

  GrpcCall& call_;
  const ion_rpc_handler& handler_;
  const Metadata metadata_;
  ion_stream_sink sink_{};
  uint64_t window_ = 1;
  std::optional<End> ended_;  // as it was sent
  bool silent_ = false;       // the plugin must hear nothing more
  PickUp pick_up_{*this};

  std::mutex mutex_;  // what follows
  std::deque<OutMessage> waiting_;
  uint64_t granted_ = 0;
  std::optional<End> end_;
  bool full_ = false, posted_ = false, over_ = false;
};

}  // namespace

// `access` names who may call. There is no identity yet and no listener beyond loopback, so whoever reaches it is the operator.
std::unique_ptr<CallHandler> make_rpc_handler(GrpcCall& call, Services& services) {
  const auto* rpc = static_cast<const ion_rpc*>(services.rpc.table);
  if (rpc == nullptr || !ION_HAS(rpc, find)) return nullptr;
  const ion_rpc_handler* handler = nullptr;
  if (rpc->find(services.rpc.self, bytes_of(call.method()), &handler) != ION_OK || handler == nullptr) return nullptr;
  return std::make_unique<RpcHandler>(call, *handler);
}

}  // namespace ion::transport_grpc
