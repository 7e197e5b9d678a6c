// ion.transport/1 in C++. Promises: ion/abi/contract/transport.h.
#pragma once
#include <ion/abi/contract/transport.h>
#include <ion/op.h>

#include <memory>
#include <string>
#include <string_view>

namespace ion {

class Listener {
 public:
  virtual ~Listener() = default;          // after stop completed
  virtual std::string address() = 0;      // CONTROL; the real port
  virtual Answer drain(Op& op) = 0;       // CONTROL; refuse new calls, end streams politely
  virtual Answer stop(Op& op) = 0;        // CONTROL; cut
};
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Result<std::unique_ptr<Listener>> listen(std::string_view url) = 0;  // CONTROL; empty: the configured one
};

}  // namespace ion
