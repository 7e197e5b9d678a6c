// A write that blocked is covered by a poller of gRPC's own, on a helper thread, which looks up at the next event of any descriptor
// or after ten seconds (grpc 1.51, src/core/lib/iomgr/tcp_posix.cc, run_poller). grpc_shutdown_blocking joins that thread: a broker
// that was busy would take ten seconds to end. So it is given an event.
// Thread: any that may block for a moment.
#pragma once

namespace ion::transport_grpc {

void wake_backup_poller();

}  // namespace ion::transport_grpc
