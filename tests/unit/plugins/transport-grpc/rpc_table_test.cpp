// The table of RPCs against the protos: nothing that clients may call is missing, nothing is there that they cannot know.
#include "core/rpc_table.h"

#include <grpc/health/v1/health.pb.h>
#include <grpc/reflection/v1alpha/reflection.pb.h>
#include <ionstream/v1/service.pb.h>

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
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  std::set<std::string> wanted;
  for (const char* file : {"ionstream/v1/service.proto", "grpc/health/v1/health.proto", "grpc/reflection/v1alpha/reflection.proto"}) {
    const auto* found = pool->FindFileByName(file);
    ASSERT_NE(found, nullptr) << file;
    wanted.merge(methods_of(*found));
  }
  std::set<std::string> have;
  for (const RpcRow& row : rpc_rows()) have.emplace(row.method);
  EXPECT_EQ(have, wanted);
}

TEST(RpcTable, knows_which_calls_are_streams) {
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  for (const RpcRow& row : rpc_rows()) {
    std::string name(row.method.substr(1));
    name[name.find('/')] = '.';
    const auto* method = pool->FindMethodByName(name);
    ASSERT_NE(method, nullptr) << name;
    EXPECT_EQ(row.streams, method->client_streaming() || method->server_streaming()) << name;
  }
}

TEST(RpcTable, finds_by_whole_names_only) {
  ASSERT_NE(find_rpc("/ionstream.v1.Broker/Fetch"), nullptr);
  EXPECT_EQ(find_rpc("/ionstream.v1.Broker/Fetch")->rpc, Rpc::kFetch);
  for (const char* other : {"", "/", "/ionstream.v1.Broker/Fetc", "/ionstream.v1.Broker/Fetch2", "ionstream.v1.Broker/Fetch", "/ionstream.v1.Broker/fetch"})
    EXPECT_EQ(find_rpc(other), nullptr) << other;
}

TEST(RpcTable, names_each_service_once) {
  EXPECT_EQ(rpc_services(), (std::vector<std::string_view>{"ionstream.v1.Broker", "ionstream.v1.Admin", "grpc.health.v1.Health",
                                                           "grpc.reflection.v1alpha.ServerReflection"}));
}

}  // namespace
}  // namespace ion::transport_grpc
