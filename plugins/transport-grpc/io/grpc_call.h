// One RPC: the state machine that every handler stands on.
//
//            read() -> message(), half_closed()
//   accepted ---------------------------------------> finish() or answer() ---> closed
//            write() -> writable()                     | client gone, cut -----^
//
// All functions of the handler run in the call's strand: one at a time, on any thread, never under a lock. So do read, write,
// finish, answer; post() is for any thread. After closed() the handler gets only its own events.
// Invariant: closed() once; finish once; at most one read and one write outstanding; the port dies when nothing is outstanding.
// Owned by shared_ptr, because port, registry and ops in flight meet here on different threads and any may be the last.
#pragma once
#include "io/call_port.h"
#include "io/strand.h"
#include "transport_grpc_metrics.h"

#include <ion/abi/host/broker_api_admin.h>
#include <ion/plugin.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace ion::transport_grpc {

class CallRegistry;

class CallHandler {
 public:
  virtual ~CallHandler() = default;
  virtual void accepted() = 0;
  virtual void message(Message request) = 0;  // after read()
  virtual void half_closed() = 0;             // after read(): the client sends no more
  virtual void writable() = 0;                // the write slot is free again
  virtual void draining() {}                  // end soon and politely
  virtual void tick() {}                      // about once a second
  virtual void closed() = 0;                  // the call is over, perhaps before its time
};

class GrpcCall : public std::enable_shared_from_this<GrpcCall> {
 public:
  struct World {
    std::shared_ptr<CallRegistry> registry;  // shared: the last call may leave while its server goes
    TransportMetrics* metrics = nullptr;
    const Host* host = nullptr;  // for debug lines; outlives every call
    size_t verb = 0;                 // row of metrics
    uint64_t request_bytes_max = 0;  // of each message from the client; 0: the server's bound alone
  };
  GrpcCall(World world, std::unique_ptr<CallPort> port, CallFacts facts, Instant deadline);
  ~GrpcCall();  // the registry has admitted it
  void open(std::unique_ptr<CallHandler> handler);  // once, by the thread of its arrival, before any other thread can reach the call

  // --- the handler, in the strand ---
  void read();
  bool can_write() const noexcept { return !writing_ && phase_ == Phase::kOpen; }
  void write(OutMessage message);  // can_write() holds
  void finish(const CallEnd& end);
  void fail(const Failure& failure) { finish(CallEnd::of(failure)); }
  void answer(OutMessage message);  // can_write() holds
  // The kernel works for this call between the two; at most a few thousand times at once.
  void asked() noexcept { ++asked_; }
  void answered() noexcept { --asked_; }
  bool is_open() const noexcept { return phase_ == Phase::kOpen; }
  const std::string& method() const noexcept { return facts_.method; }
  const std::string& peer() const noexcept { return facts_.peer; }
  Instant deadline() const noexcept { return deadline_; }
  const ion_caller& who() const noexcept { return who_; }
  Metadata metadata() const { return port_->metadata(); }

  // --- any thread ---
  void post(Event& event) noexcept;
  void post_drain() noexcept;
  void post_tick() noexcept;
  void post_cut() noexcept;  // ends the call if nothing but its peer is waited for; may be asked again

  // --- its port, any thread ---
  void on_read(Message message) noexcept;  // empty: no further message
  void on_written() noexcept { post(written_); }
  void on_finished() noexcept { post(finished_); }
  void on_cancelled() noexcept { post(cancelled_); }
  void on_done() noexcept { post(done_); }  // nothing but what is outstanding will come

 private:
  friend class CallRegistry;
  enum class Phase : uint8_t { kOpen, kEnding, kClosed };
  template <void (GrpcCall::*Deed)()>
  struct Step final : Event {
    explicit Step(GrpcCall& of) : call(of) {}
    void run() noexcept override { (call.*Deed)(); }
    GrpcCall& call;
  };
  void step_opened();
  void step_read();
  void step_written();
  void step_finished();
  void step_cancelled();
  void step_done();
  void step_drain();
  void step_tick();
  void step_cut();
  void refuse_request(uint64_t bytes);
  void send_end();
  void tell_end() const;
  void close_handler();
  void end_if_over();

  Strand strand_;
  const World world_;
  std::unique_ptr<CallPort> port_;
  const CallFacts facts_;
  const Instant deadline_;
  ion_caller who_{};
  std::unique_ptr<CallHandler> handler_;
  std::shared_ptr<GrpcCall> self_;  // while the port lives: its tags point here

  // In the strand.
  Phase phase_ = Phase::kOpen;
  CallEnd end_;
  bool reading_ = false, writing_ = false, read_ended_ = false;
  uint32_t asked_ = 0;
  bool end_sent_ = false, finished_seen_ = false, done_seen_ = false, handler_closed_ = false;

  Message incoming_;  // handed from the port to step_read
  std::atomic<bool> drain_posted_{false}, tick_posted_{false}, cut_posted_{false};
  Step<&GrpcCall::step_opened> opened_{*this};
  Step<&GrpcCall::step_read> read_{*this};
  Step<&GrpcCall::step_written> written_{*this};
  Step<&GrpcCall::step_finished> finished_{*this};
  Step<&GrpcCall::step_cancelled> cancelled_{*this};
  Step<&GrpcCall::step_done> done_{*this};
  Step<&GrpcCall::step_drain> drain_{*this};
  Step<&GrpcCall::step_tick> tick_{*this};
  Step<&GrpcCall::step_cut> cut_{*this};

  GrpcCall* next_ = nullptr;  // the registry's list, under its lock
  GrpcCall* previous_ = nullptr;
  bool listed_ = false;
};

}  // namespace ion::transport_grpc
