#include "io/reflection_codec.h"

#include "core/request_limits.h"
#include "core/status_map.h"
#include "io/parse_codec.h"

#include <grpc/reflection/v1alpha/reflection.pb.h>
#include <ionstream/v1/admin.pb.h>
#include <ionstream/v1/broker.pb.h>
#include <ionstream/v1/rpc_status.pb.h>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <map>
#include <set>

namespace ion::transport_grpc {
namespace {

namespace pb = google::protobuf;
namespace v1 = grpc::reflection::v1alpha;

// Errors of the pool, gathered instead of printed.
class Errors final : public pb::DescriptorPool::ErrorCollector {
 public:
  std::string words;
  void AddError(const std::string& file, const std::string& element, const pb::Message*, ErrorLocation, const std::string& message) override {
    if (words.empty()) words = file + ": " + element + ": " + message;
  }
};

// A file and what it imports, each once, the asked one first.
void write_files(const pb::FileDescriptor* asked, v1::FileDescriptorResponse& to) {
  std::vector<const pb::FileDescriptor*> line{asked};
  std::set<std::string> seen{asked->name()};
  for (size_t at = 0; at < line.size() && at < kReflectionFilesMax; ++at) {
    pb::FileDescriptorProto proto;
    line[at]->CopyTo(&proto);
    to.add_file_descriptor_proto(proto.SerializeAsString());
    for (int i = 0; i < line[at]->dependency_count(); ++i)
      if (seen.insert(line[at]->dependency(i)->name()).second) line.push_back(line[at]->dependency(i));
  }
}

void say_not_found(v1::ServerReflectionResponse& to, const std::string& what) {
  to.mutable_error_response()->set_error_code(static_cast<int32_t>(GrpcCode::kNotFound));
  to.mutable_error_response()->set_error_message(what.substr(0, 256) + " is not known here");
}

}  // namespace

struct Reflection::Pools {
  std::vector<std::string> services;
  pb::DescriptorPool plugins;

  const pb::FileDescriptor* file(const std::string& name) const {
    const pb::FileDescriptor* found = pb::DescriptorPool::generated_pool()->FindFileByName(name);
    return found != nullptr ? found : plugins.FindFileByName(name);
  }
  const pb::FileDescriptor* file_of(const std::string& symbol) const {
    const pb::FileDescriptor* found = pb::DescriptorPool::generated_pool()->FindFileContainingSymbol(symbol);
    return found != nullptr ? found : plugins.FindFileContainingSymbol(symbol);
  }
  const pb::Descriptor* type(const std::string& name) const {
    const pb::Descriptor* found = pb::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
    return found != nullptr ? found : plugins.FindMessageTypeByName(name);
  }
  // Builds a file behind those that it imports; one that the set lacks is taken from the generated pool.
  Status build(const std::string& name, std::map<std::string, const pb::FileDescriptorProto*>& files);
};

Status Reflection::Pools::build(const std::string& name, std::map<std::string, const pb::FileDescriptorProto*>& files) {
  if (plugins.FindFileByName(name) != nullptr) return {};
  pb::FileDescriptorProto proto;
  if (const auto it = files.find(name); it != files.end() && it->second != nullptr) {
    proto = *std::exchange(it->second, nullptr);  // taken: a cycle of imports ends here
  } else if (const pb::FileDescriptor* known = pb::DescriptorPool::generated_pool()->FindFileByName(name)) {
    known->CopyTo(&proto);
  } else {
    return {ION_E_INVALID, "descriptors: the file " + name + " is imported and not in the set"};
  }
  for (const std::string& import : proto.dependency()) ION_CHECK(build(import, files));
  Errors errors;
  if (plugins.BuildFileCollectingErrors(proto, &errors) == nullptr) return {ION_E_INVALID, "descriptors: " + errors.words};
  return {};
}

Reflection::Reflection(std::vector<std::string_view> services) : pools_(std::make_unique<Pools>()) {
  pools_->services.assign(services.begin(), services.end());
  // A reference from here keeps the linker from leaving out what registers the descriptors.
  (void)ionstream::v1::RpcStatus::descriptor();
}
Reflection::~Reflection() = default;

Status Reflection::add(std::string_view file_descriptor_set) {
  if (file_descriptor_set.size() > kDescriptorSetBytesMax)
    return {ION_E_INVALID, "descriptors: a set of " + std::to_string(file_descriptor_set.size()) + " bytes, at most " +
                               std::to_string(kDescriptorSetBytesMax) + " are taken"};
  ION_TRY(const auto set, parse_request<pb::FileDescriptorSet>(file_descriptor_set));
  std::map<std::string, const pb::FileDescriptorProto*> files;
  for (const auto& file : set.file()) files[file.name()] = &file;
  for (const auto& file : set.file()) {
    ION_CHECK(pools_->build(file.name(), files));
    for (const auto& service : file.service()) {
      const std::string name = file.package().empty() ? service.name() : file.package() + "." + service.name();
      if (std::find(pools_->services.begin(), pools_->services.end(), name) == pools_->services.end()) pools_->services.push_back(name);
    }
  }
  return {};
}

Result<std::string> Reflection::answer(std::string_view request) const {
  ION_TRY(const auto r, parse_request<v1::ServerReflectionRequest>(request));
  v1::ServerReflectionResponse to;
  to.set_valid_host(r.host());
  *to.mutable_original_request() = r;
  switch (r.message_request_case()) {
    case v1::ServerReflectionRequest::kListServices:
      for (const std::string& name : pools_->services) to.mutable_list_services_response()->add_service()->set_name(name);
      break;
    case v1::ServerReflectionRequest::kFileByFilename:
      if (const auto* file = pools_->file(r.file_by_filename())) write_files(file, *to.mutable_file_descriptor_response());
      else say_not_found(to, "file " + r.file_by_filename());
      break;
    case v1::ServerReflectionRequest::kFileContainingSymbol:
      if (const auto* file = pools_->file_of(r.file_containing_symbol())) write_files(file, *to.mutable_file_descriptor_response());
      else say_not_found(to, "symbol " + r.file_containing_symbol());
      break;
    case v1::ServerReflectionRequest::kFileContainingExtension:  // proto3 services have no extensions
      say_not_found(to, "extension of " + r.file_containing_extension().containing_type());
      break;
    case v1::ServerReflectionRequest::kAllExtensionNumbersOfType:
      if (pools_->type(r.all_extension_numbers_of_type()) != nullptr)
        to.mutable_all_extension_numbers_response()->set_base_type_name(r.all_extension_numbers_of_type());
      else say_not_found(to, "type " + r.all_extension_numbers_of_type());
      break;
    default:
      to.mutable_error_response()->set_error_code(static_cast<int32_t>(GrpcCode::kInvalidArgument));
      to.mutable_error_response()->set_error_message("the request asks nothing that is known here");
  }
  return to.SerializeAsString();
}

}  // namespace ion::transport_grpc
