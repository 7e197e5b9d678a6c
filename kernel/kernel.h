// The composition root: builds the modules left to right, starts the plugins, opens the public headers last; stops in the reverse order.
// Thread: control (main). One per process.
#pragma once
#include "config/kernel_config.h"

#include <ion/result.h>

#include <memory>
#include <string>
#include <vector>

namespace ion {

struct KernelOptions {
  bool null_broker = false;     // --null: the ceiling of benchmarks, nothing is stored
  bool own_data_dir = false;  // --dev without --data-dir: made by us, removed at the end
  std::string version;
};

class Kernel {
 public:
  // Answers when clients can be served.
  static Result<std::unique_ptr<Kernel>> start(const config::Loaded& loaded, const KernelOptions& options);
  ~Kernel();

  // "ready ADDRESS ...": what stands on stdout.
  std::string ready_line() const;
  // Returns at SIGTERM or SIGINT, or when a fault of the storage ends this broker.
  int wait();
  // Drains and stops everything. The first failure, after which only _exit helps.
  Status stop();

  // For --check-config: everything that can be said without running code of a plugin. The snapshot with the plugins' sections.
  static Result<config::ConfigSnapshot> check(const config::Loaded& loaded);

 private:
  struct Modules;
  explicit Kernel(std::unique_ptr<Modules> modules);
  const std::unique_ptr<Modules> modules_;
};

}  // namespace ion
