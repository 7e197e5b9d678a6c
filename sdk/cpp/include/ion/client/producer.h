// Producer: a cheap handle to the client's one producer of a topic. Copies share it; any thread may use it.
//   auto receipt = client.producer("orders").send({.key = "k1", .value = "hello"}).get();
#pragma once
#include <ion/client/future.h>
#include <ion/client/options.h>
#include <ion/client/record.h>

#include <memory>

namespace ion::client {

class ProducerSession;

struct ProducerCounts {
  uint64_t records = 0, batches = 0, bytes = 0;  // acknowledged
  uint64_t errors = 0;                           // records that ended in an error
  uint64_t retries = 0;                          // batches sent again
};

class Producer {
 public:
  // Copies the record and gives one awaitable, which ends within delivery_timeout. Waits while memory is full with on_full = kBlock.
  // Errors stand in the future: INVALID (RECORD_TOO_LARGE and others: this record can never go), NOT_FOUND (TOPIC_NOT_FOUND,
  // PARTITION_NOT_FOUND), OVERLOADED with MEMORY_FULL (on_full = kFail), DEADLINE with TIMED_OUT (the attempts and the last cause are
  // named), CONFLICT with TOPIC_RECREATED (the topic was made again with other partitions), FENCED (this producer is over), CLOSED after
  // close(), CANCELLED when the client went before, and what the broker refuses with.
  Future<Receipt> send(const Record& record);
  // The cheap form: no allocation beside the batch while `done` fits a std::function. OK: `done` is called once, on the client's thread or by close(),
  // perhaps before this returns. An error, of those above: `done` will not be called. `done` may be empty.
  Status send(const Record& record, OnDelivered done);

  // Sends what is gathered and waits until all records sent before this call are delivered or failed, and their callbacks have run.
  // DEADLINE: some are still under way; they go on. Not on the client's thread.
  Status flush(Nanos timeout = seconds(120));
  // flush, then refuses new records; with Acks::kNone it also waits until the broker has read what was written. What is not delivered in time fails with CLOSED. No callback runs after it.
  Status close(Nanos timeout = seconds(120));

  ProducerCounts counts() const;  // since the producer was made

 private:
  friend class Client;
  explicit Producer(std::shared_ptr<ProducerSession> session) : session_(std::move(session)) {}
  std::shared_ptr<ProducerSession> session_;  // shared by all handles and by calls under way
};

}  // namespace ion::client
