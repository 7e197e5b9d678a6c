// Settings of transport-grpc. The field's initializer is the default; the schema is printed from the rows.
#pragma once
#include <ion/config_rows.h>

#include <string>
#include <tuple>

namespace ion::transport_grpc {

using namespace size_literals;

struct TransportGrpcConfig {
  std::string listen = "127.0.0.1:9640";
  uint32_t calls_max = 10'000;
  uint32_t streams_max = 1'000;
  uint64_t message_bytes_max = 16_MiB;
  uint64_t memory_bytes_max = 256_MiB;
  uint64_t stream_inflight_bytes = 16_MiB;
  uint32_t stream_inflight_messages = 1'024;
  uint64_t copy_below = 4_KiB;
  Nanos fetch_wait_max = seconds(60);
  uint64_t subscribe_ready_bytes = 2_MiB;
  uint64_t subscribe_credit_max = 256_MiB;
  uint32_t subscribe_parts_max = 10'000;
  uint64_t frame_bytes = 1_MiB;
  uint64_t lookahead_bytes = 4_MiB;
  uint64_t read_chunk_bytes = 256_KiB;
  bool bdp_probe = true;
  Nanos keepalive = seconds(30);

  static constexpr auto rows() {
    using C = TransportGrpcConfig;
    return std::tuple{
        row("listen", &C::listen, "Address for clients, host:port; port 0 is any free one. Plaintext: loopback only."),
        row("calls_max", &C::calls_max, kCount, 1, 1'000'000, "Calls in progress; a further one is refused with OVERLOADED.", kReloadable),
        row("streams_max", &C::streams_max, kCount, 1, 100'000, "Calls in progress on one connection; further ones wait in the client."),
        row("message_bytes_max", &C::message_bytes_max, kBytes, 64_KiB, 64_MiB, "The largest message that is taken or sent."),
        row("memory_bytes_max", &C::memory_bytes_max, kBytes, 16_MiB, 64_GiB, "Memory for connections and messages; streams beyond it end with RESOURCE_EXHAUSTED."),
        row("stream_inflight_bytes", &C::stream_inflight_bytes, kBytes, 64_KiB, 1_GiB,
            "A produce stream is read no further while so many bytes wait for their acks."),
        row("stream_inflight_messages", &C::stream_inflight_messages, kCount, 1, 100'000, "The same, counted in batches."),
        row("copy_below", &C::copy_below, kBytes, 0, 1_MiB,
            "Smaller incoming messages are copied, so that they do not keep their whole read block alive."),
        row("fetch_wait_max", &C::fetch_wait_max, seconds(0), seconds(600), "The longest wait of one Fetch.", kReloadable),
        row("subscribe_ready_bytes", &C::subscribe_ready_bytes, kBytes, 4_KiB, 256_MiB, "Bytes read ahead for one subscription."),
        row("subscribe_credit_max", &C::subscribe_credit_max, kBytes, 64_KiB, 16_GiB, "Credit above this is cut off."),
        row("subscribe_parts_max", &C::subscribe_parts_max, kCount, 1, 100'000, "Partitions of one subscription: so many a topic can have. Each takes about 1 KiB.", kReloadable),
        row("frame_bytes", &C::frame_bytes, kBytes, 16_KiB, 16_MiB - 1, "HTTP/2 frames up to this size are taken."),
        row("lookahead_bytes", &C::lookahead_bytes, kBytes, 64_KiB, 64_MiB, "HTTP/2 window of a stream to begin with."),
        row("read_chunk_bytes", &C::read_chunk_bytes, kBytes, 4_KiB, 4_MiB, "Most that is read from a socket into one block."),
        row("bdp_probe", &C::bdp_probe, "Adapt the window to the connection: throughput for latency."),
        row("keepalive", &C::keepalive, seconds(1), seconds(3600), "A silent connection is probed after this time."),
    };
  }
};

}  // namespace ion::transport_grpc
