// ion.broker_api/1 in C++: the one waist. The kernel implements it, transports and other plugins call it.
// Words, failures and ownership: ion/abi/host/broker_api.h.
#pragma once
#include <ion/abi/host/broker_api.h>
#include <ion/op.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>

namespace ion {

class BrokerApi {  // ANY
 public:
  virtual ~BrokerApi() = default;
#define ION_VERB_FUNCTION(name, Req, Ans, access, repeat, gate) virtual Answer name(Op& op, const Req& r, Ans& a) = 0;
  ION_BROKER_VERBS(ION_VERB_FUNCTION)
#undef ION_VERB_FUNCTION
  virtual Status cancel(uint64_t op_id) = 0;
  virtual Status partition_of(const ion_partition_req& r, ion_partition_answer& a) = 0;
  virtual ion_health health() = 0;
};

// The rows of ion/abi/host/broker_verbs.h as values, in the order of ion_verb.
struct VerbRow {
  std::string_view name;
  ion_access access;
  ion_repeat repeat;
  ion_verb_gate gate;
};
inline constexpr std::array<VerbRow, ION_VERB_COUNT> kVerbRows{{
#define ION_VERB_ROW(name, Req, Ans, access, repeat, gate) {#name, access, repeat, gate},
    ION_BROKER_VERBS(ION_VERB_ROW)
#undef ION_VERB_ROW
}};

// Tells verbs apart whose structs have the same types.
template <ion_verb kVerb>
using Verb = std::integral_constant<ion_verb, kVerb>;

// A BrokerApi whose every verb is Derived's one function template `verb<ION_VERB_x>(op, request, answer, &BrokerApi::x)`: for gates, null
// objects and test doubles, which a new verb must not touch.
template <class Derived>
class EachVerb : public BrokerApi {
 public:
#define ION_VERB_FORWARD(name, Req, Ans, access, repeat, gate) \
  Answer name(Op& op, const Req& r, Ans& a) override { return static_cast<Derived*>(this)->template verb<ION_VERB_##name>(op, r, a, &BrokerApi::name); }
  ION_BROKER_VERBS(ION_VERB_FORWARD)
#undef ION_VERB_FORWARD
};

// Fills the text of a failed verb. `error` may be NULL; members that an older caller does not know are left alone.
inline void explain(ion_error_info* error, const Status& status, Nanos retry_after = {}) noexcept {
  if (error == nullptr) return;
  const auto knows = [&](const auto& member) {
    return reinterpret_cast<const char*>(&member) + sizeof member <= reinterpret_cast<const char*>(error) + error->size;
  };
  if (knows(error->code)) error->code = status.code();
  if (knows(error->retry_after_ns)) error->retry_after_ns = static_cast<uint64_t>(retry_after.n);
  if (knows(error->reason)) std::snprintf(error->reason, sizeof error->reason, "%s", status.reason().c_str());
  if (knows(error->detail)) std::snprintf(error->detail, sizeof error->detail, "%s", status.message().c_str());
}

}  // namespace ion
