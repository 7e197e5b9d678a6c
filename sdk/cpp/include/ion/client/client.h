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
  // Answers when one broker has answered, or CLOSED with reason UNREACHABLE after connect_timeout.
  static Result<Client> connect(ClientOptions options);

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // The options of the first call for a topic hold. Does not talk to a broker yet.
  Producer producer(std::string_view topic, const ProducerOptions& options = {});
  // Asks where the partitions and their offsets are, and starts to read.
  Result<Reader> reader(const ReaderOptions& options);
  Admin admin();

 private:
  explicit Client(std::shared_ptr<Runtime> runtime);
  std::shared_ptr<Runtime> runtime_;
};

}  // namespace ion::client
