// Every RPC that this transport serves by itself, found by its full gRPC method name. Others are asked of ion.rpc/1.
// A row stands in the file that serves the RPC (io/verbs/); io/all_rpcs gathers them. Pure.
#pragma once
#include <ion/contract/broker_api.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace ion::transport_grpc {

class CallHandler;
class GrpcCall;
struct Services;

enum class Listening : uint8_t { kOpen, kDraining };  // what the listener does while a call comes in

// Verbs of the broker API as a set.
using VerbSet = uint64_t;
static_assert(kVerbRows.size() <= 64);
template <Verb... V>
inline constexpr VerbSet kVerbs = (VerbSet{0} | ... | (VerbSet{1} << static_cast<unsigned>(V)));

struct RpcRow {
  std::string_view method;  // "/ionstream.v1.Broker/Produce"
  std::string_view label;   // of metrics: "produce"
  VerbSet asks = 0;         // what a handler may ask of the broker API; the verb that it stands for first
  enum class Kind : uint8_t { kUnary, kStream } kind = Kind::kUnary;  // kStream lives until one side ends it
  enum class Drain : uint8_t { kRefused, kServed } drain = Drain::kRefused;  // what a draining listener does with a new call
  // A longer request is refused before it is copied or parsed; 0: bounded by the setting message_bytes_max alone.
  uint64_t request_bytes_max = 1 << 20;
  std::unique_ptr<CallHandler> (*make)(GrpcCall& call, Services& services, Listening listening) = nullptr;
};

class RpcTable {
 public:
  // Rows of several files; a method stands in one of them.
  explicit RpcTable(std::span<const std::span<const RpcRow>> files);

  std::span<const RpcRow> rows() const noexcept { return rows_; }  // by method
  const RpcRow* find(std::string_view method) const noexcept;      // nullptr: not ours
  size_t index_of(const RpcRow& row) const noexcept { return static_cast<size_t>(&row - rows_.data()); }
  // "ionstream.v1.Broker" and so on, each once, for reflection and health.
  std::vector<std::string_view> services() const;

 private:
  std::vector<RpcRow> rows_;
};

}  // namespace ion::transport_grpc
