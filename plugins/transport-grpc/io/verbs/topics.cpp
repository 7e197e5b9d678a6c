#include "io/admin_handlers.h"

#include "io/api_op.h"
#include "io/topic_codec.h"

#include <ion/contract/broker_api.h>

namespace ion::transport_grpc {
namespace {

// The verbs of BrokerApi about topics, which all have one shape.
using TopicVerb = Answer (BrokerApi::*)(Op&, const ion_topic_req&, ion_admin_answer&);

class TopicHandler final : public UnaryHandler {
 public:
  TopicHandler(Rpc rpc, GrpcCall& call, Services& services) : UnaryHandler(call, services), rpc_(rpc) {}

 private:
  void request(Message message) override {
    const std::string whole = message.joined();
    if (const Status status = read(whole); !status.ok()) return call_.fail(Failure::of(status));
    request_.size = sizeof request_, request_.who = &call_.who(), request_.name = bytes_of(name_);
    request_.config = fields_.data(), request_.nconfig = static_cast<uint32_t>(fields_.size());
    request_.each = &TopicAnswers::each, request_.ctx = &answers_;
    answer_.size = sizeof answer_, answer_.error = &op_.error;
    op_.ask(call_, 0, [&](Op& op) { return (services_.api->*verb())(op, request_, answer_); });
  }

  Status read(std::string_view whole) {
    switch (rpc_) {
      case Rpc::kCreateTopic: {
        ION_TRY(create_, read_create_topic(whole));
        name_ = create_.name;
        request_.partitions = create_.partitions, request_.replication = create_.replication;
        request_.flags = create_.dry_run ? ION_TOPIC_DRY_RUN : 0;
        for (const auto& [key, value] : create_.config) fields_.push_back({bytes_of(key), bytes_of(value)});
        return {};
      }
      case Rpc::kListTopics: {
        ION_TRY(const ListTopicsWish wish, read_list_topics(whole));
        name_ = wish.prefix;
        request_.flags = wish.internal_too ? ION_TOPIC_INTERNAL_TOO : 0;
        return {};
      }
      case Rpc::kDescribeTopic: {
        ION_TRY(name_, read_describe_topic(whole));
        return named();
      }
      default: {
        ION_TRY(name_, read_delete_topic(whole));
        return named();
      }
    }
  }
  Status named() const { return name_.empty() ? Status(ION_E_INVALID, "no topic is named", "NO_TOPIC") : Status(); }

  TopicVerb verb() const {
    switch (rpc_) {
      case Rpc::kCreateTopic: return &BrokerApi::topic_create;
      case Rpc::kListTopics: return &BrokerApi::topic_list;
      case Rpc::kDescribeTopic: return &BrokerApi::topic_describe;
      default: return &BrokerApi::topic_delete;
    }
  }

  void answered() {
    if (!op_.ok()) return call_.fail(op_.failure().on(name_, 0));
    switch (rpc_) {
      case Rpc::kCreateTopic: return reply(answers_.created());
      case Rpc::kListTopics: return reply(answers_.listed());
      case Rpc::kDescribeTopic: return reply(answers_.described());
      default: return reply(write_delete_topic());
    }
  }

  const Rpc rpc_;
  std::string name_;
  CreateTopicWish create_;
  std::vector<ion_field> fields_;  // into create_
  ion_topic_req request_{};
  ion_admin_answer answer_{};
  TopicAnswers answers_;
  ApiCall<TopicHandler, &TopicHandler::answered> op_{*this};
};

class InitProducerHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  void request(Message) override {  // the request has no fields
    request_ = {sizeof request_, 0, &call_.who()};
    answer_.size = sizeof answer_, answer_.error = &op_.error;
    op_.ask(call_, 0, [&](Op& op) { return services_.api->init_producer(op, request_, answer_); });
  }
  void answered() {
    if (!op_.ok()) return call_.fail(op_.failure());
    reply(write_init_producer(answer_));
  }

  ion_producer_req request_{};
  ion_producer_answer answer_{};
  ApiCall<InitProducerHandler, &InitProducerHandler::answered> op_{*this};
};

class ClusterInfoHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  void request(Message) override {
    request_ = {sizeof request_, 0, &call_.who(), &TopicAnswers::each_broker, &answers_};
    answer_.size = sizeof answer_, answer_.error = &op_.error;
    op_.ask(call_, 0, [&](Op& op) { return services_.api->cluster_info(op, request_, answer_); });
  }
  void answered() {
    if (!op_.ok()) return call_.fail(op_.failure());
    reply(answers_.cluster_info(answer_, services_.config.message_bytes_max));
  }

  ion_cluster_req request_{};
  ion_cluster_answer answer_{};
  TopicAnswers answers_;
  ApiCall<ClusterInfoHandler, &ClusterInfoHandler::answered> op_{*this};
};

class ListPluginsHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  void request(Message) override {
    request_ = {sizeof request_, 0, &call_.who(), {}, &PluginAnswers::each, &answers_};
    answer_.size = sizeof answer_, answer_.error = &op_.error;
    op_.ask(call_, 0, [&](Op& op) { return services_.api->plugin_list(op, request_, answer_); });
  }
  void answered() {
    if (!op_.ok()) return call_.fail(op_.failure());
    reply(answers_.listed());
  }

  ion_plugin_req request_{};
  ion_admin_answer answer_{};
  PluginAnswers answers_;
  ApiCall<ListPluginsHandler, &ListPluginsHandler::answered> op_{*this};
};

}  // namespace

std::unique_ptr<CallHandler> make_admin_handler(Rpc rpc, GrpcCall& call, Services& services) {
  switch (rpc) {
    case Rpc::kCreateTopic:
    case Rpc::kListTopics:
    case Rpc::kDescribeTopic:
    case Rpc::kDeleteTopic: return std::make_unique<TopicHandler>(rpc, call, services);
    case Rpc::kInitProducer: return std::make_unique<InitProducerHandler>(call, services);
    case Rpc::kClusterInfo: return std::make_unique<ClusterInfoHandler>(call, services);
    case Rpc::kListPlugins: return std::make_unique<ListPluginsHandler>(call, services);
    default: return nullptr;
  }
}

}  // namespace ion::transport_grpc
