// The plugin under test: its file as the host takes it, and instances of it, each in a world of its own on imaginary time with files in
// memory. What the file is and where it lies is said once, by main, before the first case.
// A failed step throws std::runtime_error with words for the report. Thread: one.
#pragma once
#include "host/host_services.h"
#include "host/plugin_file.h"
#include "support/virtual_world.h"

#include <ion/abi/plugin.h>
#include <ion/contract/broker_api.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ion::conform {

struct Request {
  std::string kind, file, config = "{}";
};
Request& request();

// Finds and checks the file; nothing of it runs.
const host::PluginFile& plugin_file();
// Maps it, once in this process, asks its entry and compares descriptor and notes.
const ion_plugin& plugin();
ion_entry_fn plugin_entry();
// `config` (JSON with comments) checked against the schema in the notes, defaults filled in.
Result<std::string> checked_config(const std::string& config);

// Where instances live. Several may share a machine one after the other, as a broker that is restarted does.
class Ground {
 public:
  explicit Ground(test::VirtualMachine& machine);
  test::VirtualTime& time() { return time_; }
  // Lets everything run that is ready now; time stands still.
  void run() { (void)time_.run_until({}, [] { return false; }); }
  // Until `holds`, over timers: at most a minute of imaginary time.
  bool run_until(const std::function<bool()>& holds) { return time_.run_until(seconds(60), holds); }
  const std::shared_ptr<host::HostShared>& shared() { return shared_; }

 private:
  test::VirtualTime time_;
  test::VirtualWorld world_;
  observe::MetricRegistry metrics_;
  observe::KernelEvents events_;
  PartialBrokerApi broker_;
  std::shared_ptr<host::HostShared> shared_;
};

class Instance {
 public:
  // `without`: a need that this host does not have.
  explicit Instance(Ground& ground, std::string_view without = {});
  ~Instance();  // destroyed, drained or not

  Status create(const std::string& config = request().config);
  Status start();
  Status drain();  // DEADLINE: no answer in a minute of imaginary time
  void destroy();
  void begin();    // create and start; throws
  void end();      // drain and destroy; throws when something is outstanding
  const void* table(const char* id);
  ion_ref contract(const char* id);  // throws when it is not there
  bool faulted() const { return faulted_; }
  void* self() const { return self_; }

 private:
  Ground& ground_;
  std::unique_ptr<host::HostServices> services_;
  void* self_ = nullptr;
  bool faulted_ = false;
};

// What this process holds: threads, descriptors, bytes from malloc.
struct Held {
  size_t threads = 0, descriptors = 0, bytes = 0;
  static Held now();
};

}  // namespace ion::conform
