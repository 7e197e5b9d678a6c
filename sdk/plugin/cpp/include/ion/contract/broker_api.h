// ion.broker_api/1 in C++: every request of every protocol. The kernel implements it, transports and other plugins call it.
// What each verb does, and who owns its structs until when: ion/abi/host/broker_api.h. The list of verbs: broker_verbs.h there.
#pragma once
#include <ion/abi/host/broker_api.h>
#include <ion/op.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace ion {

// Ops first, then lookups, each in the order of its list.
enum class Verb : uint8_t {
#define ION_ROW(name, ...) name,
  ION_BROKER_VERBS(ION_ROW) ION_BROKER_LOOKUPS(ION_ROW)
#undef ION_ROW
};

// The authorisation matrix: a row per verb, at the index of its Verb. Columns: ion/abi/host/broker_verbs.h.
struct VerbRow {
  Verb verb;
  std::string_view name;
  ion_access access;
  ion_resource resource;
  bool repeat_safe;
  bool always_open;  // answered also while the broker starts or drains
};
inline constexpr auto kVerbRows = [] {
  constexpr bool SAFE = true, UNSAFE = false, ALWAYS = true, SERVING = false;
  (void)SAFE, (void)UNSAFE, (void)ALWAYS, (void)SERVING;
#define ION_ROW(name, request, answer, access, resource, repeat, open) \
  VerbRow{Verb::name, #name, ION_ACCESS_##access, ION_RESOURCE_##resource, repeat, open},
  return std::to_array<VerbRow>({ION_BROKER_VERBS(ION_ROW) ION_BROKER_LOOKUPS(ION_ROW)});
#undef ION_ROW
}();
constexpr const VerbRow& row_of(Verb verb) noexcept { return kVerbRows[static_cast<size_t>(verb)]; }

// What templates know of a verb: its structs, its member of the C table, and how to call it on anything that has it.
template <Verb>
struct VerbTraits;
#define ION_ROW(name, request, answer, ...)                                    \
  template <>                                                                  \
  struct VerbTraits<Verb::name> {                                              \
    using Request = request;                                                   \
    using Reply = answer;                                                      \
    static constexpr size_t kOffset = offsetof(ion_broker_api, name);          \
    static constexpr auto kMember = &ion_broker_api::name;                     \
    template <class To, class... A>                                            \
    static decltype(auto) call(To& to, A&&... a) { return to.name(a...); }     \
  };
ION_BROKER_VERBS(ION_ROW)
ION_BROKER_LOOKUPS(ION_ROW)
#undef ION_ROW
template <Verb V>
using RequestOf = typename VerbTraits<V>::Request;
template <Verb V>
using ReplyOf = typename VerbTraits<V>::Reply;

// Thread: any, for each function; none blocks. Outlives every op that it was given.
class BrokerApi {
 public:
  virtual ~BrokerApi() = default;
#define ION_ROW(name, request, answer, ...) virtual Answer name(Op& op, const request& r, answer& a) = 0;
  ION_BROKER_VERBS(ION_ROW)
#undef ION_ROW
#define ION_ROW(name, request, answer, ...) virtual Status name(const request& r, answer& a) = 0;
  ION_BROKER_LOOKUPS(ION_ROW)
#undef ION_ROW
  virtual Status cancel(uint64_t op_id) = 0;
  virtual ion_health health() = 0;
};

// A broker API that treats all verbs alike. Derived has two templates that BrokerApi's functions lead to:
//   template <Verb V> Answer on(Op&, const RequestOf<V>&, ReplyOf<V>&)          template <Verb V> Status look_up(...)
template <class Derived>
class UniformBrokerApi : public BrokerApi {
 public:
#define ION_ROW(name, request, answer, ...)                                                                         \
  Answer name(Op& op, const request& r, answer& a) override {                                                       \
    return static_cast<Derived*>(this)->template on<Verb::name>(op, r, a);                                          \
  }
  ION_BROKER_VERBS(ION_ROW)
#undef ION_ROW
#define ION_ROW(name, request, answer, ...)                                                                         \
  Status name(const request& r, answer& a) override { return static_cast<Derived*>(this)->template look_up<Verb::name>(r, a); }
  ION_BROKER_LOOKUPS(ION_ROW)
#undef ION_ROW
};

// Fills the description of a failed verb. `error` may be null.
inline void explain(ion_error_info* error, const Status& status, Nanos retry_after = {}) noexcept {
  if (error == nullptr) return;
  error->code = status.code();
  error->retry_after_ns = static_cast<uint64_t>(retry_after.n);
  std::snprintf(error->reason, sizeof error->reason, "%s", status.reason().c_str());
  std::snprintf(error->detail, sizeof error->detail, "%s", status.message().c_str());
}

// Offers nothing: every verb is UNSUPPORTED. Base of brokers that offer a part, so that a new verb does not touch them.
class PartialBrokerApi : public UniformBrokerApi<PartialBrokerApi> {
 public:
  template <Verb V>
  Answer on(Op& op, const RequestOf<V>&, ReplyOf<V>& a) {
    const Status why = missing(V);
    explain(a.error, why);
    return op.refuse(why);
  }
  template <Verb V>
  Status look_up(const RequestOf<V>&, ReplyOf<V>& a) {
    const Status why = missing(V);
    explain(a.error, why);
    return why;
  }
  Status cancel(uint64_t) override { return {ION_E_NOT_FOUND, "no op waits here"}; }
  ion_health health() override { return ION_HEALTH_SERVING; }

 private:
  static Status missing(Verb verb) { return {ION_E_UNSUPPORTED, "this broker does not offer " + std::string(row_of(verb).name)}; }
};

}  // namespace ion
