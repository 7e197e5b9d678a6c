// gRPC's own log lines, through the host's logger. GRPC_VERBOSITY in the environment says which of them gRPC writes, its default is ERROR.
// Thread: control; the lines come on any.
#pragma once
#include <ion/plugin.h>

namespace ion::transport_grpc {

// From now on lines go to `host`, until somebody else asks for them: gRPC has one log for the whole process. Before grpc_init().
void take_grpc_log(const Host& host);
// `host` gets no line any more when this has returned; gRPC's go to its own stderr again.
void leave_grpc_log(const Host& host);

}  // namespace ion::transport_grpc
