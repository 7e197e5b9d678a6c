// GetRecord: one record by its id, as a batch that holds it alone or as a message.
#include "core/wire.h"
#include "io/api_op.h"
#include "io/message_codec.h"
#include "io/parse_codec.h"
#include "io/verbs/verb_file.h"

#include <ion/message_id.h>

#include <ionstream/v1/broker.pb.h>

namespace ion::transport_grpc {
namespace {

namespace v1 = ionstream::v1;

class GetRecordHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  Status read(const std::string& whole) {
    ION_TRY(const auto r, parse_request<v1::GetRecordRequest>(whole));
    ION_TRY(const Uuid id, message_id::from_text(r.id()));
    std::copy(id.bytes.begin(), id.bytes.end(), request_.id);
    as_message_ = r.delivery() == v1::DELIVERY_MESSAGES;
    return {};
  }

  void request(Message message) override {
    if (const Status status = read(message.joined()); !status.ok()) return call_.fail(Failure::of(status));
    request_.size = sizeof request_, request_.who = &call_.who();
    answer_.size = sizeof answer_, answer_.error = &op_.error;
    op_.ask(call_, 0, [&](Op& op) { return services_.api->get_record(op, request_, answer_); });
  }
  void answered() {
    if (!op_.ok()) return call_.fail(op_.failure());
    v1::GetRecordResponse response;
    response.set_topic(answer_.topic);
    response.set_partition(answer_.partition);
    response.set_offset(answer_.offset);
    response.set_log_id(answer_.log_id);
    std::string head = response.SerializeAsString();
    uint64_t bytes = 0;
    for (const Buf& part : op_.bufs) bytes += part.size();
    if (!as_message_) {
      WireWriter(head).begin_bytes(v1::GetRecordResponse::kRecordsFieldNumber, bytes);
      return call_.answer({std::move(head), std::move(op_.bufs)});
    }
    std::string batch;
    batch.reserve(bytes);
    for (const Buf& part : op_.bufs) batch.append(part.text());
    const Result<Decoded> decoded = decode_messages(batch, {answer_.partition, answer_.offset, answer_.log_id, services_.config.message_bytes_max / 2});
    if (!decoded) return call_.fail(Failure::of(decoded.error()).on(answer_.topic, answer_.partition));
    static_assert(v1::GetRecordResponse::kMessageFieldNumber == int{v1::FetchResponse::kMessagesFieldNumber}, "decode_messages writes the tag");
    reply(head + decoded->messages);
  }

  bool as_message_ = false;
  ion_record_req request_{};
  ion_record_answer answer_{};
  ApiCall<GetRecordHandler, &GetRecordHandler::answered> op_{*this};
};

}  // namespace

std::span<const RpcRow> rpcs_in_get_record() {
  static constexpr RpcRow kRows[] = {
      {.method = "/ionstream.v1.Broker/GetRecord", .label = "get_record", .asks = kVerbs<Verb::get_record>, .make = make_call<GetRecordHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
