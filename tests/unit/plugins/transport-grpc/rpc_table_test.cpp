// The table of RPCs against the protos and against the verbs of the broker API: nothing that clients may call is missing, nothing is
// there that they cannot know, and no verb is out of their reach.
#include "io/all_rpcs.h"

#include <grpc/health/v1/health.pb.h>
#include <grpc/reflection/v1alpha/reflection.pb.h>
#include <ionstream/v1/admin.pb.h>
#include <ionstream/v1/broker.pb.h>

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace ion::transport_grpc {
namespace {

std::set<std::string> methods_of(const google::protobuf::FileDescriptor& file) {
  std::set<std::string> names;
  for (int s = 0; s < file.service_count(); ++s)
    for (int m = 0; m < file.service(s)->method_count(); ++m)
      names.insert("/" + file.service(s)->full_name() + "/" + file.service(s)->method(m)->name());
  return names;
}

TEST(RpcTable, is_exactly_what_the_protos_say) {
  const RpcTable rpcs = all_rpcs();
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  std::set<std::string> wanted;
  for (const char* file : {"ionstream/v1/broker.proto", "ionstream/v1/admin.proto", "grpc/health/v1/health.proto", "grpc/reflection/v1alpha/reflection.proto"}) {
    const auto* found = pool->FindFileByName(file);
    ASSERT_NE(found, nullptr) << file;
    wanted.merge(methods_of(*found));
  }
  std::set<std::string> have;
  for (const RpcRow& row : rpcs.rows()) have.emplace(row.method);
  EXPECT_EQ(have, wanted);
}

TEST(RpcTable, knows_which_calls_are_streams) {
  const RpcTable rpcs = all_rpcs();
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  for (const RpcRow& row : rpcs.rows()) {
    std::string name(row.method.substr(1));
    name[name.find('/')] = '.';
    const auto* method = pool->FindMethodByName(name);
    ASSERT_NE(method, nullptr) << name;
    EXPECT_EQ(row.kind == RpcRow::Kind::kStream, method->client_streaming() || method->server_streaming()) << name;
  }
}

TEST(RpcTable, finds_by_whole_names_only) {
  const RpcTable rpcs = all_rpcs();
  for (const RpcRow& row : rpcs.rows()) EXPECT_EQ(rpcs.find(row.method), &row) << row.method;
  for (const char* other : {"", "/", "/ionstream.v1.Broker/Fetc", "/ionstream.v1.Broker/Fetch2", "ionstream.v1.Broker/Fetch", "/ionstream.v1.Broker/fetch"})
    EXPECT_EQ(rpcs.find(other), nullptr) << other;
}

TEST(RpcTable, names_each_service_once) {
  EXPECT_EQ(all_rpcs().services(), (std::vector<std::string_view>{"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection",
                                                                  "ionstream.v1.Admin", "ionstream.v1.Broker"}));
}

TEST(RpcTable, reaches_every_verb_of_the_broker_api) {
  VerbSet asked = 0;
  const RpcTable rpcs = all_rpcs();
  for (const RpcRow& row : rpcs.rows()) asked |= row.asks;
  for (const VerbRow& verb : kVerbRows) EXPECT_TRUE(asked >> static_cast<unsigned>(verb.verb) & 1) << "no RPC asks " << verb.name;
}

TEST(RpcTable, gives_each_call_a_handler_and_a_label_of_its_own) {
  std::set<std::string_view> labels;
  const RpcTable rpcs = all_rpcs();
  for (const RpcRow& row : rpcs.rows()) {
    EXPECT_NE(row.make, nullptr) << row.method;
    EXPECT_TRUE(labels.insert(row.label).second) << row.label;
  }
}

TEST(RpcTable, bounds_each_request_that_carries_no_records) {
  const RpcTable rpcs = all_rpcs();
  for (const RpcRow& row : rpcs.rows()) {
    const bool open = row.label == "produce" || row.label == "produce_stream" || row.label == "subscribe";
    EXPECT_EQ(row.request_bytes_max == 0, open) << row.label;
  }
}

}  // namespace
}  // namespace ion::transport_grpc
