// Subscribe, whose work is in io/subscribe_stream, and Credit, which feeds one.
#include "core/request_limits.h"
#include "io/subscribe_codec.h"
#include "io/subscribe_stream.h"
#include "io/verbs/verb_file.h"

namespace ion::transport_grpc {
namespace {

// Credit: finds the subscription and asks it in its own strand; the answer comes back into this call's.
class CreditHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  class Grant final : public CreditGrant {
   public:
    explicit Grant(CreditHandler& handler) : handler_(handler) {}
    void run() noexcept override {  // in the subscription's strand
      left = stream->grant(bytes);
      handler_.call_.post(handler_.granted_);
      const std::shared_ptr<GrpcCall> last = std::move(handler_.keep_);  // after this nothing here is touched
    }

   private:
    CreditHandler& handler_;
  };
  class Granted final : public Event {
   public:
    explicit Granted(CreditHandler& handler) : handler_(handler) {}
    void run() noexcept override { handler_.reply(write_credit(handler_.grant_.left)); }

   private:
    CreditHandler& handler_;
  };

  void request(Message message) override {
    const std::string whole = message.joined();
    const Result<CreditWish> wish = read_credit(whole);
    if (!wish) return call_.fail(Failure::of(wish.error()));
    const Sessions::Found found = services_.sessions.find(wish->session.substr(0, kSessionBytesMax));
    if (found.call == nullptr)
      return call_.fail(Failure::of(Status(ION_E_NOT_FOUND, "Credit: no subscription of that session is open here", "SESSION_NOT_FOUND")));
    grant_.bytes = wish->bytes, grant_.stream = found.stream;
    keep_ = call_.shared_from_this();
    found.call->post(grant_);
  }

  Grant grant_{*this};
  Granted granted_{*this};
  std::shared_ptr<GrpcCall> keep_;  // this call, while the other strand works for it
};

}  // namespace

std::span<const RpcRow> rpcs_in_subscribe() {
  static constexpr RpcRow kRows[] = {
      {.method = "/ionstream.v1.Broker/Subscribe",
       .label = "subscribe",
       .asks = kVerbs<Verb::fetch>,
       .kind = RpcRow::Kind::kStream,
       .request_bytes_max = 0,  // the setting subscribe_parts_max bounds it
       .make = make_call<SubscribeStream>},
      {.method = "/ionstream.v1.Broker/Credit", .label = "credit", .make = make_call<CreditHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
