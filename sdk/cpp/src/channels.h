// Connections to brokers: one for bulk and one for small round trips per address, never shared: their
// arguments differ, and each has its own pool. Any thread. Kept until the client goes.
#pragma once
#include <grpcpp/channel.h>

#include <map>
#include <memory>
#include <mutex>

#include "core/producer_types.h"

namespace ion::client {

class Channels {
 public:
  std::shared_ptr<grpc::Channel> get(const LinkId& link);

 private:
  std::mutex mutex_;
  std::map<LinkId, std::shared_ptr<grpc::Channel>> open_;
};

}  // namespace ion::client
