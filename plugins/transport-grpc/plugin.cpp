// transport-grpc as a plugin: descriptor, notes and the only export.
#include "io/transport_grpc.h"

ION_PLUGIN(ion::transport_grpc::TransportGrpc, "ion.transport-grpc", "0.1.0", "ion.transport/1",
           "ion.broker_api/1,ion.executors/1,ion.timers/1,ion.random/1,ion.rpc/1?,ion.metrics/1?")
