// CreateTopic, AlterTopic, ListTopics, DescribeTopic, DeleteTopic.
#include "io/api_op.h"
#include "io/parse_codec.h"
#include "io/verbs/topic_answers.h"
#include "io/verbs/verb_file.h"

#include <ionstream/v1/admin.pb.h>

#include <vector>

namespace ion::transport_grpc {
namespace {

// The verbs about topics have one shape: a derived handler fills the request, and writes what was gathered as its answer.
class TopicHandler : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 protected:
  using Verb = Answer (BrokerApi::*)(Op&, const ion_topic_req&, ion_admin_answer&);
  virtual Result<Verb> read(const std::string& whole) = 0;
  virtual std::string write() = 0;

  Status named() const { return name_.empty() ? Status(ION_E_INVALID, "no topic is named", "NO_TOPIC") : Status(); }
  v1::TopicInfo* first() { return answers_.topics.empty() ? nullptr : answers_.topics.Mutable(0); }

  std::string name_;
  ion_topic_req request_{};
  TopicAnswers answers_;

 private:
  void request(Message message) final {
    const Result<Verb> verb = read(message.joined());
    if (!verb) return call_.fail(Failure::of(verb.error()));
    request_.size = sizeof request_, request_.who = &call_.who(), request_.name = bytes_of(name_);
    request_.each = &TopicAnswers::each, request_.ctx = &answers_;
    answer_.size = sizeof answer_, answer_.error = &op_.error;
    op_.ask(call_, 0, [&](Op& op) { return (services_.api->**verb)(op, request_, answer_); });
  }
  void answered() {
    if (!op_.ok()) return call_.fail(op_.failure().on(name_, 0));
    reply(write());
  }

  ion_admin_answer answer_{};
  ApiCall<TopicHandler, &TopicHandler::answered> op_{*this};
};

class CreateTopic final : public TopicHandler {
 public:
  using TopicHandler::TopicHandler;

 private:
  Result<Verb> read(const std::string& whole) override {
    ION_TRY(const auto r, parse_request<v1::CreateTopicRequest>(whole));
    name_ = r.name();
    request_.partitions = r.partitions(), request_.replication = r.replication();
    request_.flags = r.dry_run() ? ION_TOPIC_DRY_RUN : 0;
    config_.assign(r.config().begin(), r.config().end());
    std::sort(config_.begin(), config_.end());
    for (const auto& [key, value] : config_) fields_.push_back({bytes_of(key), bytes_of(value)});
    request_.config = fields_.data(), request_.nconfig = static_cast<uint32_t>(fields_.size());
    return &BrokerApi::topic_create;
  }
  std::string write() override {
    v1::CreateTopicResponse response;
    if (v1::TopicInfo* topic = first()) response.mutable_topic()->Swap(topic);
    return response.SerializeAsString();
  }

  std::vector<std::pair<std::string, std::string>> config_;  // by key
  std::vector<ion_field> fields_;                            // into config_
};

class AlterTopic final : public TopicHandler {
 public:
  using TopicHandler::TopicHandler;

 private:
  Result<Verb> read(const std::string& whole) override {
    ION_TRY(const auto r, parse_request<v1::AlterTopicRequest>(whole));
    name_ = r.name();
    ION_CHECK(named());
    request_.partitions = r.partitions();
    request_.flags = r.dry_run() ? ION_TOPIC_DRY_RUN : 0;
    set_.assign(r.set().begin(), r.set().end());
    unset_.assign(r.unset().begin(), r.unset().end());
    std::sort(set_.begin(), set_.end());
    for (const auto& [key, value] : set_) fields_.push_back({bytes_of(key), bytes_of(value)});
    for (const std::string& key : unset_) fields_.push_back({bytes_of(key), {nullptr, 0}});
    request_.config = fields_.data(), request_.nconfig = static_cast<uint32_t>(fields_.size());
    return &BrokerApi::topic_alter;
  }
  std::string write() override {
    v1::AlterTopicResponse response;
    if (v1::TopicInfo* topic = first()) response.mutable_topic()->Swap(topic);
    return response.SerializeAsString();
  }

  std::vector<std::pair<std::string, std::string>> set_;  // by key
  std::vector<std::string> unset_;
  std::vector<ion_field> fields_;  // into both
};

class ListTopics final : public TopicHandler {
 public:
  using TopicHandler::TopicHandler;

 private:
  Result<Verb> read(const std::string& whole) override {
    ION_TRY(const auto r, parse_request<v1::ListTopicsRequest>(whole));
    name_ = r.prefix();
    request_.flags = r.internal_too() ? ION_TOPIC_INTERNAL_TOO : 0;
    return &BrokerApi::topic_list;
  }
  std::string write() override {
    v1::ListTopicsResponse response;
    response.mutable_topics()->Swap(&answers_.topics);
    return response.SerializeAsString();
  }
};

class DescribeTopic final : public TopicHandler {
 public:
  using TopicHandler::TopicHandler;

 private:
  Result<Verb> read(const std::string& whole) override {
    ION_TRY(const auto r, parse_request<v1::DescribeTopicRequest>(whole));
    name_ = r.name();
    ION_CHECK(named());
    return &BrokerApi::topic_describe;
  }
  std::string write() override {
    v1::DescribeTopicResponse response;
    if (v1::TopicInfo* topic = first()) response.mutable_topic()->Swap(topic);
    return response.SerializeAsString();
  }
};

class DeleteTopic final : public TopicHandler {
 public:
  using TopicHandler::TopicHandler;

 private:
  Result<Verb> read(const std::string& whole) override {
    ION_TRY(const auto r, parse_request<v1::DeleteTopicRequest>(whole));
    name_ = r.name();
    ION_CHECK(named());
    return &BrokerApi::topic_delete;
  }
  std::string write() override { return v1::DeleteTopicResponse().SerializeAsString(); }
};

}  // namespace

std::span<const RpcRow> rpcs_in_topics() {
  static constexpr RpcRow kRows[] = {
      {.method = "/ionstream.v1.Admin/CreateTopic", .label = "create_topic", .asks = kVerbs<Verb::topic_create>, .make = make_call<CreateTopic>},
      {.method = "/ionstream.v1.Admin/AlterTopic", .label = "alter_topic", .asks = kVerbs<Verb::topic_alter>, .make = make_call<AlterTopic>},
      {.method = "/ionstream.v1.Admin/ListTopics", .label = "list_topics", .asks = kVerbs<Verb::topic_list>, .make = make_call<ListTopics>},
      {.method = "/ionstream.v1.Admin/DescribeTopic", .label = "describe_topic", .asks = kVerbs<Verb::topic_describe>, .make = make_call<DescribeTopic>},
      {.method = "/ionstream.v1.Admin/DeleteTopic", .label = "delete_topic", .asks = kVerbs<Verb::topic_delete>, .make = make_call<DeleteTopic>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
