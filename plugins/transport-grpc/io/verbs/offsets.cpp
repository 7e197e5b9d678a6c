// ListOffsets: one question for each partition, all at once; which partitions there are is asked first if the client does not say.
#include "core/request_limits.h"
#include "io/api_op.h"
#include "io/parse_codec.h"
#include "io/verbs/verb_file.h"

#include <ionstream/v1/broker.pb.h>

#include <deque>
#include <string>
#include <vector>

namespace ion::transport_grpc {
namespace {

namespace v1 = ionstream::v1;

Result<uint32_t> what_of(const v1::ListOffsetsRequest& r) {
  switch (r.what()) {
    case v1::ListOffsetsRequest::WHAT_START: return uint32_t{ION_OFFSET_START};
    case v1::ListOffsetsRequest::WHAT_END: return uint32_t{ION_OFFSET_END};
    case v1::ListOffsetsRequest::WHAT_TIME: return uint32_t{ION_OFFSET_TIME};
    default: return Status(ION_E_INVALID, "ListOffsetsRequest: want what = START, END or TIME, have " + std::to_string(static_cast<int>(r.what())));
  }
}

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

  Status read(const std::string& whole) {
    ION_TRY(const auto r, parse_request<v1::ListOffsetsRequest>(whole));
    ION_TRY(what_, what_of(r));
    topic_ = r.topic(), time_ms_ = r.time_ms();
    partitions_.assign(r.partitions().begin(), r.partitions().end());
    return topic_.empty() ? Status(ION_E_INVALID, "ListOffsetsRequest: no topic is named", "NO_TOPIC") : Status();
  }
  static void count(void* self, const ion_topic_info* topic) noexcept { static_cast<OffsetsHandler*>(self)->found_ = topic->npartitions; }

  void request(Message message) override {
    if (const Status status = read(message.joined()); !status.ok()) return call_.fail(Failure::of(status));
    if (!partitions_.empty()) return ask_all();
    topic_request_.size = sizeof topic_request_, topic_request_.who = &call_.who(), topic_request_.name = bytes_of(topic_);
    topic_request_.each = &OffsetsHandler::count, topic_request_.ctx = this;
    topic_answer_.size = sizeof topic_answer_, topic_answer_.error = &topic_op_.error;
    topic_op_.ask(call_, 0, [&](Op& op) { return services_.api->topic_describe(op, topic_request_, topic_answer_); });
  }
  void topic_answered() {
    if (!topic_op_.ok()) return call_.fail(topic_op_.failure().on(topic_, 0));
    for (uint32_t i = 0; i < found_; ++i) partitions_.push_back(static_cast<int32_t>(i));
    ask_all();
  }
  void ask_all() {
    if (partitions_.size() > kPartitionsPerListMax)
      return call_.fail(Failure::of(Status(ION_E_INVALID, "ListOffsetsRequest: " + std::to_string(partitions_.size()) + " partitions, at most " +
                                                              std::to_string(kPartitionsPerListMax) + " are answered at once")));
    left_ = partitions_.size();
    if (left_ == 0) return reply({});
    for (const int32_t partition : partitions_) {
      One& one = ops_.emplace_back(*this, partition);
      one.request = {sizeof one.request, what_, &call_.who(), bytes_of(topic_), partition, 0, time_ms_};
      one.answer.size = sizeof one.answer, one.answer.time_ms = -1, one.answer.error = &one.error;
      one.ask(call_, 0, [&](Op& op) { return services_.api->offset_for(op, one.request, one.answer); });
    }
  }
  void answered() {
    if (--left_ != 0) return;
    if (ops_.size() == 1 && !ops_[0].ok()) return call_.fail(ops_[0].failure().on(topic_, ops_[0].partition));
    v1::ListOffsetsResponse response;
    for (const One& one : ops_) {
      v1::ListOffsetsResponse::Entry* to = response.add_offsets();
      to->set_partition(one.partition);
      to->set_offset(one.ok() ? one.answer.offset : -1);
      to->set_time_ms(one.ok() ? one.answer.time_ms : -1);
      if (!one.ok()) (void)to->mutable_error()->ParseFromString(error_detail(one.failure().on(topic_, one.partition)));
    }
    reply(response.SerializeAsString());
  }

  std::string topic_;
  std::vector<int32_t> partitions_;
  uint32_t what_ = ION_OFFSET_START, found_ = 0;
  int64_t time_ms_ = 0;
  ion_topic_req topic_request_{};
  ion_admin_answer topic_answer_{};
  ApiCall<OffsetsHandler, &OffsetsHandler::topic_answered> topic_op_{*this};
  std::deque<One> ops_;
  size_t left_ = 0;
};

}  // namespace

std::span<const RpcRow> rpcs_in_offsets() {
  static constexpr RpcRow kRows[] = {
      {.method = "/ionstream.v1.Broker/ListOffsets",
       .label = "list_offsets",
       .asks = kVerbs<Verb::offset_for, Verb::topic_describe>,
       .make = make_call<OffsetsHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
