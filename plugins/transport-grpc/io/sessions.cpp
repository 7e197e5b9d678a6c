#include "io/sessions.h"

#include <array>

namespace ion::transport_grpc {

Result<std::string> Sessions::open(Random& random, std::weak_ptr<GrpcCall> call, SubscribeStream& stream) {
  std::array<uint8_t, 16> secret{};
  ION_CHECK(random.secret(secret.data(), secret.size()));
  static constexpr char kHex[] = "0123456789abcdef";
  std::string session;
  for (const uint8_t byte : secret) session += kHex[byte >> 4], session += kHex[byte & 15];
  const std::lock_guard lock(mutex_);
  if (!open_.try_emplace(session, Entry{std::move(call), &stream}).second)
    return Status(ION_E_INTERNAL, "subscription: the host's secret bytes came twice");
  return session;
}

void Sessions::close(const std::string& session) {
  const std::lock_guard lock(mutex_);
  open_.erase(session);
}

Sessions::Found Sessions::find(const std::string& session) const {
  const std::lock_guard lock(mutex_);
  const auto it = open_.find(session);
  if (it == open_.end()) return {};
  return {it->second.call.lock(), it->second.stream};
}

}  // namespace ion::transport_grpc
