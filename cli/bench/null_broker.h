// A child process for the time of a measurement: the null broker, or a raw stream server. Killed by its handle when this goes, and by the
// system when the thread that started it has ended, as by `kill -9`: that is the main thread.
#pragma once
#include <ion/result.h>

#include <string>
#include <vector>

#include <sys/types.h>

namespace ion::bench {

class ServerProcess {
 public:
  // Starts `command` and waits for its line on stdout that begins with `ready`; the first HOST:PORT in it is the address.
  static Result<ServerProcess> start(const std::vector<std::string>& command);
  // `ionstreamd --null` on a free port. The program is broker_program().
  static Result<ServerProcess> start_null_broker();

  ServerProcess(ServerProcess&& other) noexcept;
  ServerProcess& operator=(ServerProcess&&) = delete;
  ~ServerProcess();

  const std::string& address() const noexcept { return address_; }
  pid_t pid() const noexcept { return pid_; }
  int wait();  // until it ends by itself; its exit code

 private:
  ServerProcess(pid_t pid, int out, std::string address) : pid_(pid), out_(out), address_(std::move(address)) {}
  pid_t pid_;
  int out_;  // kept open: a closed pipe would end the child
  std::string address_;
};

// Where programs of this installation lie: beside the running one.
Result<std::string> sibling_program(const std::string& name);
// ionstreamd: beside this program, or $ION_BROKERD.
Result<std::string> broker_program();

}  // namespace ion::bench
