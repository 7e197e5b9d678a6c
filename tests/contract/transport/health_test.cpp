// grpc.health.v1 and server reflection, as third-party tools use them.
#include "transport_fixture.h"

#include <grpc/health/v1/health.pb.h>
#include <grpc/reflection/v1alpha/reflection.pb.h>

namespace ion::test {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr char kCheck[] = "/grpc.health.v1.Health/Check";
constexpr char kWatch[] = "/grpc.health.v1.Health/Watch";

class Health : public TransportTest {
 protected:
  HealthCheckResponse::ServingStatus check(const std::string& service = "") {
    HealthCheckRequest request;
    request.set_service(service);
    const UnaryResult result = client->call(kCheck, request.SerializeAsString());
    EXPECT_TRUE(result.status.ok()) << result.status.error_message();
    return parse<HealthCheckResponse>(result.bytes).status();
  }
  static HealthCheckResponse::ServingStatus told(RawStream& stream) {
    const auto bytes = stream.read();
    return bytes ? parse<HealthCheckResponse>(*bytes).status() : HealthCheckResponse::UNKNOWN;
  }
};

TEST_F(Health, check_says_what_the_broker_api_says) {
  serve();
  EXPECT_EQ(check(), HealthCheckResponse::SERVING);
  EXPECT_EQ(check("ionstream.v1.Broker"), HealthCheckResponse::SERVING);
  for (const ion_health bad : {ION_HEALTH_STARTING, ION_HEALTH_DRAINING, ION_HEALTH_FAILED}) {
    host.api().set_health(bad);
    EXPECT_EQ(check(), HealthCheckResponse::NOT_SERVING);
  }
}

TEST_F(Health, a_service_that_is_not_here_is_not_found_and_a_watch_of_it_says_unknown) {
  serve();
  HealthCheckRequest request;
  request.set_service("no.such.Service");
  EXPECT_EQ(client->call(kCheck, request.SerializeAsString()).status.error_code(), grpc::StatusCode::NOT_FOUND);
  auto watch = client->open(kWatch);
  ASSERT_TRUE(watch->write(request.SerializeAsString()));
  EXPECT_EQ(told(*watch), HealthCheckResponse::SERVICE_UNKNOWN);
}

TEST_F(Health, watch_tells_the_state_and_then_each_change_once) {
  serve();
  auto watch = client->open(kWatch);
  ASSERT_TRUE(watch->write(""));
  EXPECT_EQ(told(*watch), HealthCheckResponse::SERVING);
  host.tick(seconds(1));
  std::optional<std::string> none;
  EXPECT_FALSE(watch->read_within(50, &none)) << "nothing has changed";
  host.api().set_health(ION_HEALTH_FAILED);
  host.tick(seconds(1));
  EXPECT_EQ(told(*watch), HealthCheckResponse::NOT_SERVING);
}

TEST_F(Health, writes_are_a_service_of_their_own_that_goes_and_comes_back_while_the_broker_serves) {
  serve();
  EXPECT_EQ(check("ionstream.writes"), HealthCheckResponse::SERVING);
  auto watch = client->open(kWatch);
  HealthCheckRequest request;
  request.set_service("ionstream.writes");
  ASSERT_TRUE(watch->write(request.SerializeAsString()));
  EXPECT_EQ(told(*watch), HealthCheckResponse::SERVING);
  host.api().set_refuses_writes(true);
  EXPECT_EQ(check("ionstream.writes"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(check(), HealthCheckResponse::SERVING);
  EXPECT_EQ(check("ionstream.v1.Broker"), HealthCheckResponse::SERVING);
  host.tick(seconds(1));
  EXPECT_EQ(told(*watch), HealthCheckResponse::NOT_SERVING);
  host.api().set_refuses_writes(false);
  host.tick(seconds(1));
  EXPECT_EQ(told(*watch), HealthCheckResponse::SERVING);
  host.api().set_health(ION_HEALTH_FAILED);
  EXPECT_EQ(check("ionstream.writes"), HealthCheckResponse::NOT_SERVING);
  host.tick(seconds(1));
  EXPECT_EQ(told(*watch), HealthCheckResponse::NOT_SERVING);
}

TEST_F(Health, a_drain_is_told_before_the_watch_ends_and_checks_are_still_answered) {
  host.api().add_topic("orders", 1);
  host.api().hold_produces(true);
  serve();
  auto watch = client->open(kWatch);
  ASSERT_TRUE(watch->write(""));
  EXPECT_EQ(told(*watch), HealthCheckResponse::SERVING);
  auto busy = client->open(kProduce);  // holds the drain
  ASSERT_TRUE(busy->write(produce_request("orders", 0, batch_of(1))));
  ASSERT_TRUE(host.api().wait_produced(1));
  OpEnd drained;
  drained.ask({}, [&](Op& op) { return listener->drain(op); });
  EXPECT_EQ(told(*watch), HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(watch->read());
  EXPECT_EQ(watch->finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(check(), HealthCheckResponse::NOT_SERVING);
  host.api().release_all();
  EXPECT_TRUE(busy->read());
  EXPECT_TRUE(busy->finish().ok());
  EXPECT_TRUE(drained.wait().ok());
}

TEST_F(Health, reflection_answers_question_after_question_on_one_stream) {
  serve();
  using grpc::reflection::v1alpha::ServerReflectionRequest;
  using grpc::reflection::v1alpha::ServerReflectionResponse;
  auto stream = client->open("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
  ServerReflectionRequest request;
  request.set_list_services("");
  ASSERT_TRUE(stream->write(request.SerializeAsString()));
  auto bytes = stream->read();
  ASSERT_TRUE(bytes);
  EXPECT_EQ(parse<ServerReflectionResponse>(*bytes).list_services_response().service_size(), 4);
  request.set_file_containing_symbol("ionstream.v1.Broker");
  ASSERT_TRUE(stream->write(request.SerializeAsString()));
  bytes = stream->read();
  ASSERT_TRUE(bytes);
  EXPECT_GT(parse<ServerReflectionResponse>(*bytes).file_descriptor_response().file_descriptor_proto_size(), 4);
  stream->done_writing();
  EXPECT_FALSE(stream->read());
  EXPECT_TRUE(stream->finish().ok());
}

}  // namespace
}  // namespace ion::test
