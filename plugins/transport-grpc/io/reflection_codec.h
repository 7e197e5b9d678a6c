// Server reflection (github.com/grpc/grpc, doc/server-reflection.md): which services are here and how their messages look.
// Our own descriptors come from the generated pool of libionproto; those of plugins are put into a private pool, because a file
// name may be in a pool only once.
// Filled on the control thread, then answers on any.
#pragma once
#include <ion/result.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ion::transport_grpc {

class Reflection {
 public:
  // `services`: what is served here.
  explicit Reflection(std::vector<std::string_view> services);
  ~Reflection();
  Reflection(const Reflection&) = delete;
  Reflection& operator=(const Reflection&) = delete;

  // A FileDescriptorSet that a plugin described itself with; its services are listed from now on.
  Status add(std::string_view file_descriptor_set);
  // One ServerReflectionRequest; what cannot be found is an error inside the answer, as the protocol wants it.
  Result<std::string> answer(std::string_view request) const;

 private:
  struct Pools;
  std::unique_ptr<Pools> pools_;
};

}  // namespace ion::transport_grpc
