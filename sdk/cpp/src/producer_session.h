// Runs the producer core of one topic: the lock around it, the clock, the streams, the callbacks. It adds no rule of its own.
// Any thread. Order of locks: this one, then a stream's. Callbacks run on the driver's thread without a lock.
#pragma once
#include <ion/client/producer.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/producer_core.h"
#include "driver.h"
#include "stream_call.h"

namespace ion::client {

class Runtime;

class ProducerSession final : public Ticker, public std::enable_shared_from_this<ProducerSession> {
 public:
  // The runtime owns the session.
  ProducerSession(Runtime& runtime, std::string topic, const ProducerOptions& options);
  ~ProducerSession() override;

  Status send(const Record& record, OnDelivered done);
  Status flush(Nanos timeout);
  Status close(Nanos timeout);
  void abandon();  // the client goes: what is left fails, its streams end
  // The last handle has gone. True: nothing waits for delivery; else `runtime` is told to forget the session when that is so.
  bool let_go(std::weak_ptr<Runtime> runtime);
  bool closed() const;
  ProducerCounts counts() const;

  Instant wake_at() override;
  void tick(Instant now) override;

 private:
  class Link;
  struct Open {
    std::shared_ptr<Link> link;  // shared with the stream, which tells it what happens
    std::shared_ptr<StreamCall> call;
  };
  // What is left to do without the lock.
  struct Chores {
    std::vector<std::shared_ptr<StreamCall>> to_flush;
    std::vector<produce::Deliver> deliver;
    std::vector<LinkId> open, reset;
    bool metadata = false, identity = false;
    std::string recreated;  // not empty: to be told
  };

  void step(const produce::Event& event);
  Chores take(produce::Actions actions);  // with mutex_ held
  void obey(Chores chores);
  void open(const LinkId& link);
  void reset(const std::vector<LinkId>& links);
  void end_streams();
  void let_streams_end(Instant end);
  void fetch_metadata();
  void fetch_identity();
  void link_down(const LinkId& link, Failure why);

  Runtime& runtime_;
  const std::shared_ptr<Driver> driver_;  // shared: it ends after its last call
  const std::string topic_;
  const ProducerOptions options_;
  const Status valid_;  // of the options; else nothing is taken
  const ProducerLimits limits_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;  // room, flushed, delivered
  ProducerCore core_;
  produce::Actions scratch_;
  WallClock wall_;  // guarded by mutex_
  std::map<LinkId, Open> links_;
  uint32_t blocked_ = 0, waiting_ = 0;             // senders that wait for room, callers that wait for the end
  uint64_t deliver_begun_ = 0, deliver_done_ = 0;  // rounds of callbacks
  bool closed_ = false;
  std::optional<std::weak_ptr<Runtime>> let_go_;  // to be told when the last record is delivered
  ProducerCounts counts_;
};

}  // namespace ion::client
