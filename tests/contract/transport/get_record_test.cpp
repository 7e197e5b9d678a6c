// GetRecord: one record by its id, as it is stored or as a message.
#include "transport_fixture.h"

#include <ion/message_id.h>

namespace ion::test {
namespace {

constexpr const char* kGetRecord = "/ionstream.v1.Broker/GetRecord";

class GetRecord : public TransportTest {
 protected:
  static std::string request(std::string id, v1::Delivery delivery = v1::DELIVERY_BATCHES) {
    v1::GetRecordRequest r;
    r.set_id(std::move(id));
    r.set_delivery(delivery);
    return r.SerializeAsString();
  }
  static std::string id_of(int64_t offset, uint64_t log = 42) { return message_id::make({1000}, {offset}, {log}).text(); }
};

TEST_F(GetRecord, gives_the_batch_of_the_record_without_copying_a_byte) {
  host.api().add_topic("orders", 1);
  for (int i = 0; i < 3; ++i) host.api().append("orders", 0, batch_of(1, 100 << 10));
  serve();
  const UnaryResult result = client->call(kGetRecord, request(id_of(1)));
  ASSERT_TRUE(result.status.ok()) << result.status.error_message();
  const auto response = parse<v1::GetRecordResponse>(result.bytes);
  EXPECT_EQ(response.topic(), "orders");
  EXPECT_EQ(response.partition(), 0);
  EXPECT_EQ(response.offset(), 1);
  EXPECT_EQ(response.log_id(), 42u);
  EXPECT_EQ(response.records().size(), batch_of(1, 100 << 10).size());
  EXPECT_FALSE(response.has_message());
  EXPECT_EQ(host.metric("ionstream_transport_payload_copied_bytes_total"), 0);
  EXPECT_TRUE(host.api().wait_leases(0));
}

TEST_F(GetRecord, gives_the_record_as_a_message_to_who_reads_no_batches) {
  host.api().add_topic("orders", 1);
  for (int i = 0; i < 2; ++i) host.api().append("orders", 0, batch_of(1, 10));
  serve();
  const UnaryResult result = client->call(kGetRecord, request(id_of(1), v1::DELIVERY_MESSAGES));
  ASSERT_TRUE(result.status.ok()) << result.status.error_message();
  const auto response = parse<v1::GetRecordResponse>(result.bytes);
  EXPECT_EQ(response.message().offset(), 1);
  EXPECT_EQ(response.message().value().size(), 10u);
  EXPECT_EQ(response.records(), "");
  EXPECT_TRUE(host.api().wait_leases(0));
}

TEST_F(GetRecord, says_of_each_failure_what_it_is) {
  host.api().add_topic("orders", 1);
  serve();
  const auto refused = [&](std::string id) { return detail_of(client->call(kGetRecord, request(std::move(id))).status); };
  for (const char* text : {"", "7", "01234567-89ab-4def-8123-456789abcdef"}) {  // the last is a UUID of version 4
    const auto detail = refused(text);
    EXPECT_EQ(detail.code(), v1::CODE_INVALID) << text;
    EXPECT_NE(detail.detail().find("message id: want "), std::string::npos) << detail.detail();
  }
  EXPECT_EQ(refused(id_of(0, 41)).code(), v1::CODE_NOT_FOUND);
  EXPECT_EQ(refused(id_of(0, 41)).reason(), "LOG_NOT_FOUND");
  EXPECT_EQ(refused(id_of(7)).code(), v1::CODE_OUT_OF_RANGE);
}

}  // namespace
}  // namespace ion::test
