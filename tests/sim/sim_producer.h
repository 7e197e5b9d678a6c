// A client that produces: the real core of the C++ client, with this as its driver. Connections are agenda entries: requests of one keep
// their order, answers come when they come, and a connection may break with answers under way. It lives on while brokers go down.
#pragma once
#include "core/producer_core.h"
#include "sim/history.h"
#include "sim/sim_broker.h"

#include <map>
#include <memory>
#include <string>

namespace ion::sim {

class SimProducer : public std::enable_shared_from_this<SimProducer> {
 public:
  SimProducer(Stage& stage, SimBroker& broker, History& history, uint32_t number, std::string topic);

  // Hands a record over to the core, for one partition or any.
  void send(size_t bytes, std::optional<int32_t> partition = std::nullopt);
  // The broker is gone, or one connection broke: what was sent has no answer.
  void lose_connections();
  void flush() { step(client::produce::FlushAsked{}); }

  const std::string& topic() const { return topic_; }
  uint64_t waiting() const { return core_.records(); }
  const Status& fatal() const { return core_.fatal(); }
  uint64_t delivered() const { return delivered_; }
  // Of the records that failed: why the newest did.
  const Status& last_failure() const { return last_failure_; }

 private:
  struct Connection {
    bool up = false;
    uint64_t generation = 0;
    Instant last_arrival;
  };
  void step(const client::produce::Event& event);
  void obey(client::produce::Actions actions);
  void open(const client::LinkId& link);
  void transmit(const client::produce::Send& send);
  void answered(const ExchangeOf<Verb::produce>& x, const client::produce::Send& send, uint64_t generation);
  void lose(const client::LinkId& link);
  void ask_metadata();
  void ask_identity();
  void arm();
  Nanos latency() { return microseconds(static_cast<int64_t>(stage_.clients.between(20, 2500))); }
  void later(Nanos wait, std::function<void(SimProducer&)> what);

  Stage& stage_;
  SimBroker& broker_;
  History& history_;
  const uint32_t number_;
  const std::string topic_;
  client::ProducerCore core_;
  client::produce::Actions scratch_;
  std::map<client::LinkId, Connection> connections_;
  uint32_t records_ = 0;
  uint64_t delivered_ = 0;
  Status last_failure_;
  Instant armed_for_{UINT64_MAX};
};

}  // namespace ion::sim
