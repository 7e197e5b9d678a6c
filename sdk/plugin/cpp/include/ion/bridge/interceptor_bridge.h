// ion.interceptor/1 across the C ABI, both ways.
// export_interceptor<P>: table of a plugin class P with `static constexpr uint32_t kHooks, kNeeds` (and kInterceptorFlags, unless
// it is 0) that offers `Interceptor& interceptor()`, or is one itself: `Verdict on(Hook, Message&)`.
// ImportedInterceptor: the C++ interface over such a table, which outlives it. An exception and a missing member are failures
// (is_failure(verdict)) with words in the message's reason; after a failure the kernel takes no resume of that message.
#pragma once
#include <ion/bridge/crossing.h>
#include <ion/contract/interceptor.h>

#include <string>

namespace ion {
namespace bridge {

inline Verdict no_verdict(ion_msg* m, const ion_msg_api* api, Code code, std::string_view words) noexcept {
  if (ION_OFFERS(api, reason)) api->reason(m, code, bytes_of(words));
  return static_cast<Verdict>(code);
}

template <class P>
struct ExportedInterceptor {
  static constexpr uint32_t flags() {
    if constexpr (requires { P::kInterceptorFlags; }) return P::kInterceptorFlags;
    else return 0;
  }
  static int32_t on(void* self, uint32_t hook, ion_msg* m, const ion_msg_api* api) noexcept {
    ion_err err{sizeof(ion_err), ION_OK, {}};
    Verdict verdict{};
    const ion_status code = cross(&err, [&] {
      P& plugin = *static_cast<P*>(self);
      Message message(m, api);
      if constexpr (requires { plugin.interceptor(); }) verdict = plugin.interceptor().on(static_cast<Hook>(hook), message);
      else verdict = plugin.on(static_cast<Hook>(hook), message);
      return ION_OK;
    });
    return static_cast<int32_t>(code == ION_OK ? verdict : no_verdict(m, api, to_code(code), err.msg));
  }
};

// Asks a table that may have been written without a bridge: what it throws, which it must not, is a failure too.
inline int32_t ask(const ion_interceptor& table, void* self, uint32_t hook, ion_msg* m, const ion_msg_api* api) noexcept {
  int32_t (*const on)(void*, uint32_t, ion_msg*, const ion_msg_api*) = table.on;  // a call that the compiler lets throw
  int32_t verdict = 0;
  ion_err err{sizeof(ion_err), ION_OK, {}};
  const ion_status code = cross(&err, [&] { return verdict = on(self, hook, m, api), ION_OK; });
  return code == ION_OK ? verdict : static_cast<int32_t>(no_verdict(m, api, to_code(code), std::string("an exception crossed the ABI: ") + err.msg));
}

}  // namespace bridge

template <class P>
inline constexpr ion_interceptor export_interceptor{
    .size = sizeof(ion_interceptor),
    .hooks = P::kHooks,
    .needs = P::kNeeds,
    .flags = bridge::ExportedInterceptor<P>::flags(),
    .on = &bridge::ExportedInterceptor<P>::on,
};

class ImportedInterceptor final : public Interceptor {
 public:
  explicit ImportedInterceptor(ion_ref ref) noexcept : table_(static_cast<const ion_interceptor*>(ref.table)), self_(ref.self) {}

  uint32_t hooks() const override { return table_ != nullptr ? table_->hooks : 0; }
  uint32_t needs() const override { return table_ != nullptr ? table_->needs : 0; }
  uint32_t flags() const override { return table_ != nullptr ? table_->flags : 0; }
  Verdict on(Hook hook, Message& message) override {
    if (!ION_OFFERS(table_, on))
      return bridge::no_verdict(message.raw(), message.api(), ION_E_UNSUPPORTED, bridge::missing(ION_INTERCEPTOR_ID, "on").message());
    const int32_t raw = table_->on(self_, static_cast<uint32_t>(hook), message.raw(), message.api());
    if (raw <= ION_V_PENDING) return static_cast<Verdict>(raw);
    return bridge::no_verdict(message.raw(), message.api(), ION_E_INVALID, "ion.interceptor/1 gave verdict " + std::to_string(raw));
  }

 private:
  const ion_interceptor* table_;
  void* self_;
};

}  // namespace ion
