// Client: where everything begins. It finds the cluster from any broker, holds the connections, and makes the parts that do the work.
//   auto client = ion::client::Client::connect({.brokers = {"localhost:9640"}}).value();
// One thread of its own; any thread may use it. Its handles keep it alive; when the last one goes, everything is closed.
#pragma once
#include <ion/client/admin.h>
#include <ion/client/options.h>
#include <ion/client/producer.h>
#include <ion/client/reader.h>

#include <memory>
#include <string>
#include <string_view>

namespace ion::client {

// One record that was asked for by its id.
struct FoundRecord {
  std::string topic;
  RecordSet records;  // next() gives the record, and then nothing
};

class Client {
 public:
  // Waits until one broker has answered. INVALID: an option makes no sense. CLOSED with UNREACHABLE: none did within connect_timeout.
  // UNAUTHENTICATED, FORBIDDEN: it lets nobody in.
  static Result<Client> connect(ClientOptions options);

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // Does not talk to a broker yet: a topic that is not there is an error of the send. Of producers that are shared (the default) the
  // options of the first call for a topic hold. With options that make no sense it takes no record: each send answers INVALID and
  // names the option. One of its own ends by itself when its last handle has gone and its records are delivered.
  Producer producer(std::string_view topic, const ProducerOptions& options = {});
  // Starts to read and answers at once; what goes wrong then is an error of the reader's next(). INVALID: an option makes no sense.
  Result<Reader> reader(const ReaderOptions& options);
  // How many partitions a topic has; waits at most `timeout`, not on the client's thread. NOT_FOUND with TOPIC_NOT_FOUND, INVALID for what
  // is no name of a topic, FORBIDDEN; DEADLINE, CLOSED: no broker said.
  Result<uint32_t> partitions_of(std::string_view topic, Nanos timeout = seconds(10));
  // The record with this id (Receipt::id; of a record that was read, message_id::make), from whichever topic it is in. Waits at most
  // `timeout`; not on the client's thread.
  // INVALID: no message id. NOT_FOUND with LOG_NOT_FOUND (its topic is gone), NOT_YET (its log ends before it) or RECORD_NOT_FOUND (it
  // was taken out). OUT_OF_RANGE: it was deleted. Else as the calls of Admin.
  Result<FoundRecord> get_record(const Uuid& id, Nanos timeout = seconds(10));
  Admin admin();  // cheap, shares the client's connections

 private:
  explicit Client(std::shared_ptr<Runtime> runtime);
  std::shared_ptr<Runtime> runtime_;
};

}  // namespace ion::client
