// A gRPC client of bytes: calls methods by name, without a stub and without the product's own client.
// Every wait ends after ten seconds; the calls then answer as if the server had gone.
// Thread: the test's.
#pragma once
#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ion::test {

using SentMetadata = std::vector<std::pair<std::string, std::string>>;

struct UnaryResult {
  grpc::Status status;
  std::string bytes;
};

// One call in progress: any number of messages each way.
class RawStream {
 public:
  RawStream(grpc::Channel& channel, const std::string& method, std::optional<int> deadline_s = std::nullopt, const SentMetadata& metadata = {});
  ~RawStream();  // cancels what is not finished
  RawStream(const RawStream&) = delete;
  RawStream& operator=(const RawStream&) = delete;

  bool write(const std::string& message);
  void done_writing();
  std::optional<std::string> read();  // nothing: the server ended
  // A read that may still be outstanding when this returns false; then ask again.
  bool read_within(int milliseconds, std::optional<std::string>* message);
  grpc::Status finish();
  void cancel();

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

class RawClient {
 public:
  // `arguments` of the channel; each client has a connection of its own.
  explicit RawClient(const std::string& address, std::vector<std::pair<std::string, int>> arguments = {});
  UnaryResult call(const std::string& method, const std::string& request, std::optional<int> deadline_s = std::nullopt,
                   const SentMetadata& metadata = {});
  std::unique_ptr<RawStream> open(const std::string& method, std::optional<int> deadline_s = std::nullopt, const SentMetadata& metadata = {});

 private:
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace ion::test
