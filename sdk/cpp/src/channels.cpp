#include "channels.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

namespace ion::client {

namespace {
constexpr int kMessageBytesMax = 64 << 20;

// Names without a constant in gRPC 1.51 are written out; what they bring was measured.
grpc::ChannelArguments arguments(Lane lane) {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  args.SetInt(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, kMessageBytesMax);
  args.SetInt(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, kMessageBytesMax);
  args.SetInt(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 1 << 20);
  args.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 4 << 20);
  args.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, lane == Lane::kBulk ? 1 : 0);
  // A broker that was killed and started again is found within a second; an attempt that nobody answers ends after one.
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  args.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 1000);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // a proxy of the environment is for the web: it knows no brokers, least of all on loopback
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // we retry, with sequences
  return args;
}
}  // namespace

std::shared_ptr<grpc::Channel> Channels::get(const LinkId& link) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<grpc::Channel>& channel = open_[link];
  if (!channel) channel = grpc::CreateCustomChannel(link.address, grpc::InsecureChannelCredentials(), arguments(link.lane));
  return channel;
}

}  // namespace ion::client
