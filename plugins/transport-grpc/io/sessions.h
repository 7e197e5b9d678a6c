// Subscriptions by session id, so that a Credit call finds the stream that it feeds. Ids are 128 secret bits in hex: who knows one
// may only feed that stream, and nobody guesses one.
// Thread: any; a short lock of its own, under which nothing is called.
#pragma once
#include <ion/ports.h>
#include <ion/result.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace ion::transport_grpc {

class GrpcCall;
class SubscribeStream;

class Sessions {
 public:
  struct Found {
    std::shared_ptr<GrpcCall> call;  // keeps the stream alive while it is asked
    SubscribeStream* stream = nullptr;
  };
  Result<std::string> open(Random& random, std::weak_ptr<GrpcCall> call, SubscribeStream& stream);
  void close(const std::string& session);
  Found find(const std::string& session) const;

 private:
  struct Entry {
    std::weak_ptr<GrpcCall> call;
    SubscribeStream* stream;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry> open_;
};

}  // namespace ion::transport_grpc
