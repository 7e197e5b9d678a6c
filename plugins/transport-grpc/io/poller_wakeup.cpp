#include "io/poller_wakeup.h"

#include <grpcpp/create_channel_posix.h>

#include <sys/socket.h>
#include <unistd.h>

namespace ion::transport_grpc {

void wake_backup_poller() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;  // then it takes its ten seconds
  {
    // A channel over our own pair: putting it among the polled descriptors is an event, and so is its end.
    const auto channel = grpc::CreateInsecureChannelFromFd("ion.wakeup", ends[0]);
    (void)::close(ends[1]);
  }
}

}  // namespace ion::transport_grpc
