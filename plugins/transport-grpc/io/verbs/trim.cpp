// TrimTopic: the beginning of one partition is deleted.
#include "io/api_op.h"
#include "io/parse_codec.h"
#include "io/verbs/verb_file.h"

#include <ionstream/v1/admin.pb.h>

namespace ion::transport_grpc {
namespace {

namespace v1 = ionstream::v1;

class TrimTopicHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  Status read(const std::string& whole) {
    ION_TRY(const auto r, parse_request<v1::TrimTopicRequest>(whole));
    name_ = r.topic();
    if (name_.empty()) return {ION_E_INVALID, "no topic is named", "NO_TOPIC"};
    request_.partition = r.partition();
    request_.before = r.has_before() ? r.before() : -1;
    return {};
  }
  void request(Message message) override {
    if (const Status status = read(message.joined()); !status.ok()) return call_.fail(Failure::of(status));
    request_.size = sizeof request_, request_.who = &call_.who(), request_.topic = bytes_of(name_);
    answer_.size = sizeof answer_, answer_.error = &op_.error;
    op_.ask(call_, 0, [&](Op& op) { return services_.api->topic_trim(op, request_, answer_); });
  }
  void answered() {
    if (!op_.ok()) return call_.fail(op_.failure().on(name_, request_.partition));
    v1::TrimTopicResponse response;
    response.set_log_start(answer_.log_start);
    reply(response.SerializeAsString());
  }

  std::string name_;
  ion_trim_req request_{};
  ion_trim_answer answer_{};
  ApiCall<TrimTopicHandler, &TrimTopicHandler::answered> op_{*this};
};

}  // namespace

std::span<const RpcRow> rpcs_in_trim() {
  static constexpr RpcRow kRows[] = {
      {.method = "/ionstream.v1.Admin/TrimTopic", .label = "trim_topic", .asks = kVerbs<Verb::topic_trim>, .make = make_call<TrimTopicHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
