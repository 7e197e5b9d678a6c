// Client: where everything begins. It finds the cluster from any broker, holds the connections, and makes the parts that do the work.
//   auto client = ion::client::Client::connect({.brokers = {"localhost:9640"}}).value();
// One thread of its own; any thread may use it. Its handles keep it alive; when the last one goes, everything is closed.
#pragma once
#include <ion/client/admin.h>
#include <ion/client/options.h>
#include <ion/client/producer.h>
#include <ion/client/reader.h>

#include <memory>
#include <string_view>

namespace ion::client {

class Client {
 public:
  // Waits until one broker has answered. INVALID: an option makes no sense. CLOSED with UNREACHABLE: none did within connect_timeout.
  // UNAUTHENTICATED, FORBIDDEN: it lets nobody in.
  static Result<Client> connect(ClientOptions options);

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // Does not talk to a broker yet: a topic that is not there is an error of the send. Of producers that are shared (the default) the
  // options of the first call for a topic hold. One of its own ends by itself when its last handle has gone and its records are delivered.
  Producer producer(std::string_view topic, const ProducerOptions& options = {});
  // Starts to read and answers at once; what goes wrong then is an error of the reader's next(). INVALID: an option makes no sense.
  Result<Reader> reader(const ReaderOptions& options);
  // How many partitions a topic has; waits at most `timeout`, not on the client's thread. NOT_FOUND with TOPIC_NOT_FOUND, INVALID for what
  // is no name of a topic, FORBIDDEN; DEADLINE, CLOSED: no broker said.
  Result<uint32_t> partitions_of(std::string_view topic, Nanos timeout = seconds(10));
  Admin admin();  // cheap, shares the client's connections

 private:
  explicit Client(std::shared_ptr<Runtime> runtime);
  std::shared_ptr<Runtime> runtime_;
};

}  // namespace ion::client
