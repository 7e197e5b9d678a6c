// Options that make no sense are refused in words before anything is tried.
#include <ion/client/client.h>

#include <gtest/gtest.h>

namespace ion::client {
namespace {

TEST(Options, what_makes_no_sense_is_refused_with_its_name_and_what_is_taken) {
  const auto said = [](auto change) {
    ProducerOptions o;
    change(o);
    const Status status = o.check();
    EXPECT_EQ(status.code(), ION_E_INVALID);
    return status.message();
  };
  using O = ProducerOptions;
  EXPECT_EQ(said([](O& o) { o.delivery_timeout = milliseconds(999); }), "producer options: delivery_timeout: want 1s to 7d, have 999ms");
  EXPECT_EQ(said([](O& o) { o.delivery_timeout = seconds(8 * 86'400); }), "producer options: delivery_timeout: want 1s to 7d, have 8d");
  EXPECT_EQ(said([](O& o) { o.linger = milliseconds(-1); }), "producer options: linger: want 0s to 2m, have -1ms");
  EXPECT_EQ(said([](O& o) { o.linger = seconds(121); }), "producer options: linger: want 0s to 2m, have 121s");
  EXPECT_EQ(said([](O& o) { o.batch_bytes_max = 1023; }), "producer options: batch_bytes_max: want 1KiB to 16MiB, have 1023B");
  EXPECT_EQ(said([](O& o) { o.batch_bytes_ready = 0; }), "producer options: batch_bytes_ready: want 1B to 16MiB, have 0B");
  EXPECT_EQ(said([](O& o) { o.memory_bytes_max = 4096; }), "producer options: memory_bytes_max: want 1MiB to 1TiB, have 4KiB");
  EXPECT_EQ(said([](O& o) { o.memory_records_max = 0; }), "producer options: memory_records_max: want 1 to 1000000000, have 0");
  EXPECT_EQ(said([](O& o) { o.acks = static_cast<Acks>(7); }), "producer options: acks: want one of client::Acks, have 7");
  EXPECT_EQ(said([](O& o) { o.compression = static_cast<Compression>(9); }), "producer options: compression: want one of client::Compression, have 9");
  EXPECT_EQ(said([](O& o) { o.compression = Compression::kZstd, o.compression_level = 23; }), "producer options: compression_level: want -7 to 22 of zstd, have 23");
  EXPECT_EQ(said([](O& o) { o.compression = Compression::kSnappy, o.compression_level = 1; }),
            "producer options: compression_level: want none, since snappy has no levels, have 1");
  EXPECT_EQ((ReaderOptions{.topic = "t", .credit_bytes = 1}).check().message(), "reader options: credit_bytes: want 1MiB to 1TiB, have 1B");
  EXPECT_EQ((ClientOptions{.brokers = {"a:1"}, .request_timeout = {}}).check().message(), "client options: request_timeout: want 1ms to 7d, have 0s");
  EXPECT_EQ(ClientOptions{}.check().message(), "client options: brokers: want at least one host:port, have none");
}

}  // namespace
}  // namespace ion::client
