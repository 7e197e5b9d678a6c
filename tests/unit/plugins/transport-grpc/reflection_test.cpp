// Reflection: our own descriptors and those of plugins, as third-party tools ask for them.
#include "io/reflection_codec.h"

#include "io/all_rpcs.h"

#include <grpc/reflection/v1alpha/reflection.pb.h>

#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <set>

namespace ion::transport_grpc {
namespace {

namespace v1 = grpc::reflection::v1alpha;
namespace pb = google::protobuf;

v1::ServerReflectionResponse ask(const Reflection& reflection, const v1::ServerReflectionRequest& request) {
  v1::ServerReflectionResponse response;
  const auto answer = reflection.answer(request.SerializeAsString());
  EXPECT_TRUE(answer);
  EXPECT_TRUE(response.ParseFromString(*answer));
  return response;
}
std::set<std::string> services(const Reflection& reflection) {
  v1::ServerReflectionRequest request;
  request.set_list_services("*");
  std::set<std::string> names;
  const auto response = ask(reflection, request);
  for (const auto& service : response.list_services_response().service()) names.insert(service.name());
  return names;
}
std::set<std::string> files(const v1::ServerReflectionResponse& response) {
  std::set<std::string> names;
  for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
    pb::FileDescriptorProto file;
    EXPECT_TRUE(file.ParseFromString(bytes));
    names.insert(file.name());
  }
  return names;
}
v1::ServerReflectionResponse symbol(const Reflection& reflection, const std::string& name) {
  v1::ServerReflectionRequest request;
  request.set_file_containing_symbol(name);
  return ask(reflection, request);
}

// A plugin's own file, which imports one of ours.
pb::FileDescriptorSet plugin_set() {
  pb::FileDescriptorSet set;
  pb::FileDescriptorProto* file = set.add_file();
  file->set_name("plugin/demo/echo.proto");
  file->set_package("plugin.demo");
  file->set_syntax("proto3");
  file->add_dependency("ionstream/v1/error.proto");
  pb::DescriptorProto* type = file->add_message_type();
  type->set_name("Echo");
  pb::FieldDescriptorProto* field = type->add_field();
  field->set_name("error");
  field->set_number(1);
  field->set_label(pb::FieldDescriptorProto::LABEL_OPTIONAL);
  field->set_type(pb::FieldDescriptorProto::TYPE_MESSAGE);
  field->set_type_name(".ionstream.v1.ErrorDetail");
  pb::ServiceDescriptorProto* service = file->add_service();
  service->set_name("Echoes");
  pb::MethodDescriptorProto* method = service->add_method();
  method->set_name("Say");
  method->set_input_type(".plugin.demo.Echo");
  method->set_output_type(".plugin.demo.Echo");
  return set;
}

TEST(Reflection, lists_our_services_and_those_of_plugins) {
  Reflection reflection(all_rpcs().services());
  EXPECT_EQ(services(reflection).size(), 4u);
  EXPECT_TRUE(services(reflection).contains("ionstream.v1.Broker"));
  ASSERT_TRUE(reflection.add(plugin_set().SerializeAsString()).ok());
  EXPECT_TRUE(services(reflection).contains("plugin.demo.Echoes"));
}

TEST(Reflection, gives_a_file_with_all_that_it_imports) {
  Reflection reflection(all_rpcs().services());
  const auto names = files(symbol(reflection, "ionstream.v1.Broker"));
  for (const char* file : {"ionstream/v1/broker.proto", "ionstream/v1/produce.proto", "ionstream/v1/record.proto", "ionstream/v1/error.proto"})
    EXPECT_TRUE(names.contains(file)) << file;
}

TEST(Reflection, finds_the_detail_of_our_errors) {
  Reflection reflection(all_rpcs().services());
  EXPECT_TRUE(files(symbol(reflection, "ionstream.v1.ErrorDetail")).contains("ionstream/v1/error.proto"));
  EXPECT_TRUE(files(symbol(reflection, "ionstream.v1.RpcStatus")).contains("ionstream/v1/rpc_status.proto"));
}

TEST(Reflection, finds_a_method_and_a_file_by_name) {
  Reflection reflection(all_rpcs().services());
  EXPECT_TRUE(files(symbol(reflection, "ionstream.v1.Broker.Fetch")).contains("ionstream/v1/broker.proto"));
  v1::ServerReflectionRequest request;
  request.set_file_by_filename("grpc/health/v1/health.proto");
  EXPECT_TRUE(files(ask(reflection, request)).contains("grpc/health/v1/health.proto"));
}

TEST(Reflection, a_plugins_file_may_import_ours_without_bringing_it) {
  Reflection reflection(all_rpcs().services());
  ASSERT_TRUE(reflection.add(plugin_set().SerializeAsString()).ok());
  EXPECT_EQ(files(symbol(reflection, "plugin.demo.Echoes.Say")),
            (std::set<std::string>{"plugin/demo/echo.proto", "ionstream/v1/error.proto"}));
}

TEST(Reflection, what_is_not_known_is_an_error_inside_the_answer) {
  Reflection reflection(all_rpcs().services());
  EXPECT_EQ(symbol(reflection, "no.such.Thing").error_response().error_code(), 5);
  v1::ServerReflectionRequest nothing;
  EXPECT_EQ(ask(reflection, nothing).error_response().error_code(), 3);
}

TEST(Reflection, a_set_with_a_missing_import_is_refused_by_name) {
  pb::FileDescriptorSet set = plugin_set();
  set.mutable_file(0)->add_dependency("nowhere/at_all.proto");
  Reflection reflection(all_rpcs().services());
  const Status added = reflection.add(set.SerializeAsString());
  ASSERT_FALSE(added.ok());
  EXPECT_NE(added.message().find("nowhere/at_all.proto"), std::string::npos);
}

TEST(Reflection, a_circle_of_imports_is_refused) {
  pb::FileDescriptorSet set;
  for (const auto& [name, other] : {std::pair{"a.proto", "b.proto"}, std::pair{"b.proto", "a.proto"}}) {
    pb::FileDescriptorProto* file = set.add_file();
    file->set_name(name);
    file->add_dependency(other);
  }
  Reflection reflection(all_rpcs().services());
  EXPECT_FALSE(reflection.add(set.SerializeAsString()).ok());
}

TEST(Reflection, bytes_that_are_no_request_are_refused) {
  Reflection reflection(all_rpcs().services());
  EXPECT_FALSE(reflection.answer("\x0a\xff"));
  EXPECT_FALSE(reflection.add("\x0a\xff").ok());
}

}  // namespace
}  // namespace ion::transport_grpc
