// ion.broker_api/1 across the C ABI, both ways, made from the rows of broker_verbs.h.
// export_broker_api: `self` is the ion::BrokerApi itself (a host service, not a plugin's contract). Structs of an older size are
// read and written up to their size. ImportedBrokerApi: the C++ interface over a table, which outlives it; a verb that the table
// does not have answers UNSUPPORTED. Thread: any.
#pragma once
#include <ion/abi/host.h>
#include <ion/bridge/sized_call.h>
#include <ion/contract/broker_api.h>

namespace ion {

namespace bridge {
template <Verb V>
ion_status broker_verb(void* self, const RequestOf<V>* r, ReplyOf<V>* a, const ion_op* raw, ion_result* now) noexcept {
  BrokerApi& api = *static_cast<BrokerApi*>(self);
  const auto ask = [&](Op& op, const RequestOf<V>& request, ReplyOf<V>& reply) { return VerbTraits<V>::call(api, op, request, reply); };
  if (!has_current_size(*r, *a)) return SizedCall<RequestOf<V>, ReplyOf<V>>::run(r, a, raw, now, ask);
  return cross(raw, now, [&](Op& op) { return ask(op, *r, *a); });
}
template <Verb V>
ion_status broker_lookup(void* self, const RequestOf<V>* r, ReplyOf<V>* a) noexcept {
  BrokerApi& api = *static_cast<BrokerApi*>(self);
  return cross(nullptr, [&] {
    if (has_current_size(*r, *a)) return VerbTraits<V>::call(api, *r, *a).code();
    SizedCall<RequestOf<V>, ReplyOf<V>> sized(r, a);
    const Code code = VerbTraits<V>::call(api, sized.request, sized.reply).code();
    sized.hand_back();
    return code;
  });
}
inline ion_status broker_cancel(void* self, uint64_t id) noexcept {
  return cross(nullptr, [&] { return static_cast<BrokerApi*>(self)->cancel(id).code(); });
}
inline ion_status broker_health(void* self, uint32_t* out) noexcept {
  *out = static_cast<BrokerApi*>(self)->health();
  return ION_OK;
}
}  // namespace bridge

inline constexpr ion_broker_api export_broker_api{
    sizeof(ion_broker_api), 0, &bridge::broker_cancel, &bridge::broker_health,
#define ION_ROW(name, ...) &bridge::broker_lookup<Verb::name>,
    ION_BROKER_LOOKUPS(ION_ROW)
#undef ION_ROW
#define ION_ROW(name, ...) &bridge::broker_verb<Verb::name>,
        ION_BROKER_VERBS(ION_ROW)
#undef ION_ROW
};

class ImportedBrokerApi final : public UniformBrokerApi<ImportedBrokerApi> {
 public:
  explicit ImportedBrokerApi(ion_ref ref) noexcept : table_(static_cast<const ion_broker_api*>(ref.table)), self_(ref.self) {}

  template <Verb V>
  Answer on(Op& op, const RequestOf<V>& r, ReplyOf<V>& a) {
    if (!offers<V>()) return op.refuse(bridge::missing(kId, row_of(V).name));
    return op.passed((table_->*VerbTraits<V>::kMember)(self_, &r, &a, &op.raw(), &op.now()));
  }
  template <Verb V>
  Status look_up(const RequestOf<V>& r, ReplyOf<V>& a) {
    if (!offers<V>()) return bridge::missing(kId, row_of(V).name);
    return bridge::told(kId, row_of(V).name, (table_->*VerbTraits<V>::kMember)(self_, &r, &a));
  }
  Status cancel(uint64_t op_id) override { return ION_CALL(cancel, op_id); }
  ion_health health() override {
    uint32_t out = ION_HEALTH_FAILED;
    if (ION_OFFERS(table_, health)) (void)table_->health(self_, &out);
    return static_cast<ion_health>(out);
  }

 private:
  template <Verb V>
  bool offers() const noexcept {
    return table_ != nullptr && table_->size >= VerbTraits<V>::kOffset + sizeof(void*) && (table_->*VerbTraits<V>::kMember) != nullptr;
  }
  static constexpr std::string_view kId = ION_BROKER_API_ID;
  const ion_broker_api* table_;
  void* self_;
};

}  // namespace ion
