// Sends one record and reads the topic back: hello [HOST:PORT [TOPIC]]. The same text stands in README.md.
#include <ion/client/client.h>

#include <cstdio>

int main(int argc, char** argv) {
  using namespace ion::client;
  const std::string topic = argc > 2 ? argv[2] : "greetings";
  ion::Result<Client> client = Client::connect({.brokers = {argc > 1 ? argv[1] : "127.0.0.1:9640"}});
  if (!client) return std::fprintf(stderr, "hello: %s\n", client.error().text().c_str()), 1;

  const ion::Result<Receipt> receipt = client->producer(topic).send({.key = "k1", .value = "hello"}).get();
  if (!receipt) return std::fprintf(stderr, "hello: %s\n", receipt.error().text().c_str()), 1;
  std::printf("sent to %s[%d]@%lld\n", topic.c_str(), receipt->partition.v, static_cast<long long>(receipt->offset.v));

  ion::Result<Reader> reader = client->reader({.topic = topic, .stop_at_end = true});
  while (reader && !reader->finished()) {
    const auto message = reader->next(ion::seconds(10));
    if (!message) return std::fprintf(stderr, "hello: %s\n", message.error().text().c_str()), 1;
    if (*message) std::printf("%s\n", std::string(ion::text_of((*message)->record.value.value_or(std::span<const uint8_t>()))).c_str());
  }
}
