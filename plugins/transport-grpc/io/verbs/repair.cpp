// RepairTopic: what one partition has lost, and the partition without it.
#include "io/api_op.h"
#include "io/parse_codec.h"
#include "io/verbs/verb_file.h"

#include <ion/bridge/crossing.h>

#include <ionstream/v1/admin.pb.h>

namespace ion::transport_grpc {
namespace {

namespace v1 = ionstream::v1;

class RepairTopicHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  static void each(void* self, const ion_lost_part* part) noexcept {
    const ion_lost_part from = bridge::take(part);
    v1::LostPart* const to = static_cast<RepairTopicHandler*>(self)->response_.add_lost();
    to->set_from(from.from), to->set_upto(from.upto);
  }
  Status read(const std::string& whole) {
    ION_TRY(const auto r, parse_request<v1::RepairTopicRequest>(whole));
    name_ = r.topic();
    if (name_.empty()) return {ION_E_INVALID, "no topic is named", "NO_TOPIC"};
    request_.partition = r.partition();
    request_.flags = r.accept_loss() ? ION_REPAIR_ACCEPT_LOSS : 0;
    return {};
  }
  void request(Message message) override {
    if (const Status status = read(message.joined()); !status.ok()) return call_.fail(Failure::of(status));
    request_.size = sizeof request_, request_.who = &call_.who(), request_.topic = bytes_of(name_);
    request_.each = &RepairTopicHandler::each, request_.ctx = this;
    answer_.size = sizeof answer_, answer_.error = &op_.error;
    op_.ask(call_, 0, [&](Op& op) { return services_.api->topic_repair(op, request_, answer_); });
  }
  void answered() {
    if (!op_.ok()) return call_.fail(op_.failure().on(name_, request_.partition));
    response_.set_lost_parts(answer_.parts), response_.set_lost_bytes(answer_.bytes_lost);
    response_.set_log_start(answer_.log_start), response_.set_next(answer_.next);
    response_.set_records_left(answer_.records_left), response_.set_bytes_left(answer_.bytes_left);
    response_.set_repaired((answer_.flags & ION_REPAIR_DONE) != 0), response_.set_dense((answer_.flags & ION_REPAIR_DENSE) != 0);
    reply(response_.SerializeAsString());
  }

  std::string name_;
  v1::RepairTopicResponse response_;
  ion_repair_req request_{};
  ion_repair_answer answer_{};
  ApiCall<RepairTopicHandler, &RepairTopicHandler::answered> op_{*this};
};

}  // namespace

std::span<const RpcRow> rpcs_in_repair() {
  static constexpr RpcRow kRows[] = {
      {.method = "/ionstream.v1.Admin/RepairTopic", .label = "repair_topic", .asks = kVerbs<Verb::topic_repair>, .make = make_call<RepairTopicHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
