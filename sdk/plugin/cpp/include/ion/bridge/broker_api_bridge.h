// ion.broker_api/1, both directions, made from the rows of ion/abi/host/broker_verbs.h. Exported: `self` is the ion::BrokerApi itself (a host
// service, not a plugin's contract).
#pragma once
#include <ion/bridge/crossing.h>
#include <ion/contract/broker_api.h>

namespace ion {

namespace detail {

// A call by somebody who knows shorter structs: whole ones stand in for his until completion. Members that he does not know are zero in the
// request and are not written into his answer. One allocation; a caller of the same age goes straight through.
template <class Req, class Ans>
class ShorterCaller {
 public:
  ShorterCaller(const Req& r, Ans& a, const ion_op& op) : request_(bridge::take(&r)), answer_(bridge::take(&a)), given_(a), caller_(bridge::take(&op)) {}

  template <class Ask>
  static Answer run(Op& op, const Req& r, Ans& a, Ask ask) {
    auto self = std::make_unique<ShorterCaller>(r, a, op.raw());
    ion_op inner_op = self->caller_;
    inner_op.done = &ShorterCaller::done, inner_op.ctx = self.get();
    Op inner(inner_op, op.now());
    const ion_status code = bridge::cross(inner, [&] { return ask(inner, self->request_, self->answer_); });
    if (code == ION_PENDING) (void)self.release();  // may be gone already
    else bridge::give(&self->given_, self->answer_);
    return op.passed(code);
  }

 private:
  static void done(void* ctx, const ion_result* result) noexcept {
    const std::unique_ptr<ShorterCaller> self(static_cast<ShorterCaller*>(ctx));
    bridge::give(&self->given_, self->answer_);
    self->caller_.done(self->caller_.ctx, result);
  }

  const Req request_;
  Ans answer_;
  Ans& given_;  // the caller's, as long as its own size says
  const ion_op caller_;
};

template <auto Function, class Req, class Ans>
ion_status broker_api_op(void* self, const Req* r, Ans* a, const ion_op* raw, ion_result* now) noexcept {
  return bridge::cross(raw, now, [&](Op& op) {
    BrokerApi& api = *static_cast<BrokerApi*>(self);
    if (r->size >= sizeof(Req) && a->size >= sizeof(Ans)) return (api.*Function)(op, *r, *a);
    return ShorterCaller<Req, Ans>::run(op, *r, *a, [&](Op& inner, const Req& request, Ans& answer) { return (api.*Function)(inner, request, answer); });
  });
}
inline ion_status broker_api_cancel(void* self, uint64_t id) noexcept {
  return bridge::cross(nullptr, [&] { return static_cast<BrokerApi*>(self)->cancel(id).code(); });
}
inline ion_status broker_api_partition_of(void* self, const ion_partition_req* r, ion_partition_answer* a) noexcept {
  return bridge::cross(nullptr, [&] {
    ion_partition_answer answer = bridge::take(a);
    const Status status = static_cast<BrokerApi*>(self)->partition_of(bridge::take(r), answer);
    bridge::give(a, answer);
    return status.code();
  });
}
inline ion_status broker_api_health(void* self, uint32_t* out) noexcept {
  return bridge::cross(nullptr, [&] {
    *out = static_cast<BrokerApi*>(self)->health();
    return ION_OK;
  });
}
}  // namespace detail

inline constexpr ion_broker_api export_broker_api{
    sizeof(ion_broker_api),
    0,
    &detail::broker_api_cancel,
    &detail::broker_api_partition_of,
    &detail::broker_api_health,
#define ION_EXPORTED_VERB(name, Req, Ans, access, repeat, gate) &detail::broker_api_op<&BrokerApi::name, Req, Ans>,
    ION_BROKER_VERBS(ION_EXPORTED_VERB)
#undef ION_EXPORTED_VERB
};

class ImportedBrokerApi final : public BrokerApi {
 public:
  explicit ImportedBrokerApi(ion_ref ref) : table_(static_cast<const ion_broker_api*>(ref.table)), self_(ref.self) {}

#define ION_IMPORTED_VERB(name, Req, Ans, access, repeat, gate) \
  Answer name(Op& op, const Req& r, Ans& a) override { return ION_PASS(op, name, &r, &a); }
  ION_BROKER_VERBS(ION_IMPORTED_VERB)
#undef ION_IMPORTED_VERB
  Status cancel(uint64_t op_id) override { return ION_CALL(cancel, op_id); }
  Status partition_of(const ion_partition_req& r, ion_partition_answer& a) override { return ION_CALL(partition_of, &r, &a); }
  ion_health health() override {
    uint32_t out = ION_HEALTH_FAILED;
    return ION_CALL(health, &out).ok() ? static_cast<ion_health>(out) : ION_HEALTH_FAILED;
  }

 private:
  static constexpr std::string_view kId = ION_BROKER_API_ID;
  const ion_broker_api* table_;
  void* self_;
};

}  // namespace ion
