// ClusterInfo, and Metadata, which is put together from several questions.
#include "core/request_limits.h"
#include "io/api_op.h"
#include "io/parse_codec.h"
#include "io/verbs/topic_answers.h"
#include "io/verbs/verb_file.h"

#include <ionstream/v1/admin.pb.h>
#include <ionstream/v1/broker.pb.h>

#include <iterator>
#include <vector>

namespace ion::transport_grpc {
namespace {

struct ClusterAnswers : TopicAnswers {
  google::protobuf::RepeatedPtrField<v1::Problem> problems;

  static void each_problem(void* ctx, const ion_problem_info* raw) noexcept {
    const ion_problem_info from = bridge::take(raw);
    v1::Problem& to = *static_cast<ClusterAnswers*>(static_cast<TopicAnswers*>(ctx))->problems.Add();
    set(to.mutable_part(), from.part);
    set(to.mutable_words(), from.words);
    to.set_stops_writes((from.flags & ION_PROBLEM_STOPS_WRITES) != 0);
  }
};

const char* state_name(uint32_t state) {
  static constexpr const char* kNames[] = {"starting", "serving", "draining", "failed"};
  return state < std::size(kNames) ? kNames[state] : "";
}

class ClusterInfoHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  void request(Message) override {
    request_ = {sizeof request_, 0, &call_.who(), &TopicAnswers::each_broker, static_cast<TopicAnswers*>(&answers_), &ClusterAnswers::each_problem};
    answer_.size = sizeof answer_, answer_.error = &op_.error;
    op_.ask(call_, 0, [&](Op& op) { return services_.api->cluster_info(op, request_, answer_); });
  }
  void answered() {
    if (!op_.ok()) return call_.fail(op_.failure());
    v1::ClusterInfoResponse response;
    response.mutable_brokers()->Swap(&answers_.brokers);
    response.mutable_problems()->Swap(&answers_.problems);
    response.set_state(state_name(answer_.state));
    response.set_refuses_writes((answer_.flags & ION_CLUSTER_REFUSES_WRITES) != 0);
    response.set_cluster_id(ended_text(answer_.cluster_id, sizeof answer_.cluster_id));
    response.set_controller(answer_.controller);
    response.set_node(answer_.node);
    response.set_version(ended_text(answer_.version, sizeof answer_.version));
    response.set_topics(answer_.topics);
    response.set_partitions(answer_.partitions);
    response.set_started_ms(answer_.started_ms);
    fill(*response.mutable_limits(), answer_, services_.config.message_bytes_max);
    reply(response.SerializeAsString());
  }

  ion_cluster_req request_{};
  ion_cluster_answer answer_{};
  ClusterAnswers answers_;
  ApiCall<ClusterInfoHandler, &ClusterInfoHandler::answered> op_{*this};
};

// First the cluster, then the topics one after the other; a topic that fails stands in the answer with its error.
class MetadataHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  void request(Message message) override {
    const Result<v1::MetadataRequest> wanted = parse_request<v1::MetadataRequest>(message.joined());
    if (!wanted) return call_.fail(Failure::of(wanted.error()));
    if (static_cast<size_t>(wanted->topics_size()) > kPartitionsPerListMax)
      return call_.fail(Failure::of(Status(ION_E_INVALID, "MetadataRequest: " + std::to_string(wanted->topics_size()) + " topics, at most " +
                                                              std::to_string(kPartitionsPerListMax) + " are answered at once")));
    topics_.assign(wanted->topics().begin(), wanted->topics().end());
    cluster_request_ = {sizeof cluster_request_, 0, &call_.who(), &TopicAnswers::each_broker, &answers_, nullptr};
    cluster_.size = sizeof cluster_, cluster_.error = &cluster_op_.error;
    cluster_op_.ask(call_, 0, [&](Op& op) { return services_.api->cluster_info(op, cluster_request_, cluster_); });
  }

  void cluster_answered() {
    if (!cluster_op_.ok()) return call_.fail(cluster_op_.failure());
    ask_topic();
  }
  void ask_topic() {
    request_ = {};
    request_.size = sizeof request_, request_.who = &call_.who();
    if (!topics_.empty()) request_.name = bytes_of(topics_[at_]);
    request_.each = &TopicAnswers::each, request_.ctx = &answers_;
    answer_ = {};
    answer_.size = sizeof answer_, answer_.error = &topic_op_.error;
    topic_op_.ask(call_, 0, [&](Op& op) { return services_.api->metadata(op, request_, answer_); });
  }
  void topic_answered() {
    if (!call_.is_open()) return;
    if (!topic_op_.ok()) {
      if (topics_.empty()) return call_.fail(topic_op_.failure());
      answers_.failed(topics_[at_], topic_op_.failure().on(topics_[at_], 0));
    }
    if (++at_ < topics_.size()) return ask_topic();
    v1::MetadataResponse response;
    response.set_cluster_id(ended_text(cluster_.cluster_id, sizeof cluster_.cluster_id));
    response.set_controller(cluster_.controller);
    response.mutable_brokers()->Swap(&answers_.brokers);
    response.mutable_topics()->Swap(&answers_.topics);
    fill(*response.mutable_limits(), cluster_, services_.config.message_bytes_max);
    reply(response.SerializeAsString());
  }

  std::vector<std::string> topics_;  // none: all
  size_t at_ = 0;
  TopicAnswers answers_;
  ion_cluster_req cluster_request_{};
  ion_cluster_answer cluster_{};
  ion_topic_req request_{};
  ion_admin_answer answer_{};
  ApiCall<MetadataHandler, &MetadataHandler::cluster_answered> cluster_op_{*this};
  ApiCall<MetadataHandler, &MetadataHandler::topic_answered> topic_op_{*this};
};

}  // namespace

std::span<const RpcRow> rpcs_in_cluster() {
  static constexpr RpcRow kRows[] = {
      {.method = "/ionstream.v1.Admin/ClusterInfo", .label = "cluster_info", .asks = kVerbs<Verb::cluster_info>, .make = make_call<ClusterInfoHandler>},
      {.method = "/ionstream.v1.Broker/Metadata",
       .label = "metadata",
       .asks = kVerbs<Verb::metadata, Verb::cluster_info>,
       .request_bytes_max = 4 << 20,  // ten thousand names
       .make = make_call<MetadataHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
