// A broker as a value: its modules joined left to right on one injected world. Nothing of it is global, so any number of brokers
// may live in a process, each on its own world.
// A start that fails half-way stops what was built in the reverse order before it answers. What hangs while stopping is left in
// memory, since something may still use it.
// Thread: main (start, stop, reload, the destructor); api() and its verbs from ANY. The world outlives the broker.
#pragma once
#include "base/world.h"
#include "config/kernel_config.h"

#include <ion/contract/broker_api.h>
#include <ion/result.h>

#include <functional>
#include <memory>
#include <string>

namespace ion {

// Of a whole stop, whatever hangs: closing clients, partitions, plugins and threads share it. A peer is waited for 3 s of it at most.
constexpr Nanos kStopLimit = seconds(30);

struct BrokerOptions {
  std::string version;
  uint32_t process = 0;      // its number, told to who finds the data directory in use; 0: not told
  bool null_broker = false;  // --null: the ceiling of benchmarks, nothing is stored
  bool in_process = false;   // callers use api(); without it a plugin with ion.transport/1 is required
  bool probe = true;         // map plugins in a child process first; false where the program is not ionstreamd
  std::function<void()> stopping;  // called when a stop begins, also that of a start that failed; may be empty. MAIN
};

class Broker {
 public:
  // Answers when clients can be served. Everything that check_config refuses is refused, with the same message.
  static Result<std::unique_ptr<Broker>> start(const config::Loaded& loaded, const BrokerOptions& options, World& world);
  ~Broker();  // stops
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // The broker API for callers in this process. Verbs are refused with CLOSED once stop has begun.
  BrokerApi& api();
  // "ready ADDRESS ...": what stands on stdout.
  std::string ready_line() const;
  // Takes over what can change in a running broker: the level of the log, keys of plugins that may change without a restart, and any key
  // of an interceptor or router, which gets a new generation. Logs each key that changed or needs a restart. A plugin's section that does
  // not check keeps the broker on the configuration that it has.
  void reload(const config::Loaded& next);
  // Refuses new requests, finishes what was accepted, closes everything. Goes on after a failure and answers the first. A client
  // that does not read or goes on sending is cut off and is no failure. Ends within kStopLimit: what is not done by then is named, and
  // left to the end of the process, which loses nothing that was acknowledged. Again is nothing new.
  Status stop();

 private:
  struct Parts;
  explicit Broker(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

LogLevel log_level(const config::LogConfig& log);

}  // namespace ion
