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
  // One awaitable. An error ends in the future too: full memory with on_full = fail, a wrong partition, a closed client.
  Future<Receipt> send(const Record& record);
  // The cheap form: no allocation beside the batch while `done` fits a std::function. An error answered here means that
  // `done` will not be called.
  Status send(const Record& record, OnDelivered done);

  // Sends what is gathered and waits until all records sent before this call are delivered or failed.
  Status flush(Nanos timeout = seconds(120));
  // flush, then refuses new records. What is not delivered in time fails with CLOSED. No callback runs after it.
  Status close(Nanos timeout = seconds(120));

  ProducerCounts counts() const;

 private:
  friend class Client;
  explicit Producer(std::shared_ptr<ProducerSession> session) : session_(std::move(session)) {}
  std::shared_ptr<ProducerSession> session_;  // shared by all handles and by calls under way
};

}  // namespace ion::client
