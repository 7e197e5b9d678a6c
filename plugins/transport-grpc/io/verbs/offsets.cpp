// Metadata and ListOffsets: the two answers that are put together from several questions.
#include "core/request_limits.h"
#include "io/admin_handlers.h"
#include "io/api_op.h"
#include "io/topic_codec.h"

#include <ion/contract/broker_api.h>

#include <deque>

namespace ion::transport_grpc {
namespace {

// First the cluster, then the topics one after the other; a topic that fails stands in the answer with its error.
class MetadataHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  void request(Message message) override {
    const std::string whole = message.joined();
    Result<std::vector<std::string>> topics = read_metadata(whole);
    if (!topics) return call_.fail(Failure::of(topics.error()));
    topics_ = *std::move(topics);
    if (topics_.size() > kPartitionsPerListMax)
      return call_.fail(Failure::of(Status(ION_E_INVALID, "MetadataRequest: " + std::to_string(topics_.size()) + " topics, at most " +
                                                              std::to_string(kPartitionsPerListMax) + " are answered at once")));
    cluster_request_ = {sizeof cluster_request_, 0, &call_.who(), &TopicAnswers::each_broker, &answers_};
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
    reply(answers_.metadata(cluster_, services_.config.message_bytes_max));
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

// One question for each partition, all at once; which partitions there are is asked first if the client does not say.
class OffsetsHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  class One final : public ApiOp {
   public:
    One(OffsetsHandler& handler, int32_t of) : partition(of), handler_(handler) {}
    const int32_t partition;
    ion_offset_req request{};
    ion_offset_answer answer{};
    void run() noexcept override {
      taken();
      handler_.answered();
    }

   private:
    OffsetsHandler& handler_;
  };

  void request(Message message) override {
    const std::string whole = message.joined();
    Result<ListOffsetsWish> wish = read_list_offsets(whole);
    if (!wish) return call_.fail(Failure::of(wish.error()));
    wish_ = *std::move(wish);
    if (wish_.topic.empty()) return call_.fail(Failure::of(Status(ION_E_INVALID, "ListOffsetsRequest: no topic is named", "NO_TOPIC")));
    if (!wish_.partitions.empty()) return ask_all();
    topic_request_.size = sizeof topic_request_, topic_request_.who = &call_.who(), topic_request_.name = bytes_of(wish_.topic);
    topic_request_.each = &TopicAnswers::each, topic_request_.ctx = &topic_;
    topic_answer_.size = sizeof topic_answer_, topic_answer_.error = &topic_op_.error;
    topic_op_.ask(call_, 0, [&](Op& op) { return services_.api->topic_describe(op, topic_request_, topic_answer_); });
  }
  void topic_answered() {
    if (!topic_op_.ok()) return call_.fail(topic_op_.failure().on(wish_.topic, 0));
    const uint32_t partitions = topic_.partitions_of_first();
    for (uint32_t i = 0; i < partitions; ++i) wish_.partitions.push_back(static_cast<int32_t>(i));
    ask_all();
  }
  void ask_all() {
    if (wish_.partitions.size() > kPartitionsPerListMax)
      return call_.fail(Failure::of(Status(ION_E_INVALID, "ListOffsetsRequest: " + std::to_string(wish_.partitions.size()) +
                                                              " partitions, at most " + std::to_string(kPartitionsPerListMax) + " are answered at once")));
    left_ = wish_.partitions.size();
    if (left_ == 0) return reply(write_list_offsets({}));
    for (const int32_t partition : wish_.partitions) {
      One& one = ops_.emplace_back(*this, partition);
      one.request = {sizeof one.request, wish_.what, &call_.who(), bytes_of(wish_.topic), partition, 0, wish_.time_ms};
      one.answer.size = sizeof one.answer, one.answer.time_ms = -1, one.answer.error = &one.error;
      one.ask(call_, 0, [&](Op& op) { return services_.api->offset_for(op, one.request, one.answer); });
    }
  }
  void answered() {
    if (--left_ != 0) return;
    std::vector<OffsetEntry> entries;
    for (One& one : ops_) {
      OffsetEntry entry{one.partition, one.answer.offset, one.answer.time_ms, std::nullopt};
      if (!one.ok()) entry = {one.partition, -1, -1, one.failure().on(wish_.topic, one.partition)};
      entries.push_back(std::move(entry));
    }
    if (entries.size() == 1 && entries[0].error) return call_.fail(*entries[0].error);
    reply(write_list_offsets(entries));
  }

  ListOffsetsWish wish_;
  TopicAnswers topic_;
  ion_topic_req topic_request_{};
  ion_admin_answer topic_answer_{};
  ApiCall<OffsetsHandler, &OffsetsHandler::topic_answered> topic_op_{*this};
  std::deque<One> ops_;
  size_t left_ = 0;
};

}  // namespace

std::unique_ptr<CallHandler> make_metadata_handler(GrpcCall& call, Services& services) {
  return std::make_unique<MetadataHandler>(call, services);
}
std::unique_ptr<CallHandler> make_offsets_handler(GrpcCall& call, Services& services) {
  return std::make_unique<OffsetsHandler>(call, services);
}

}  // namespace ion::transport_grpc
