// ion.transport/1 across the C ABI, both ways.
// export_transport<P>: table of a plugin class P that offers `Transport& transport()`. ImportedTransport: the C++ interface over
// such a table, which outlives it and its listeners. A handle is the Listener itself and ends when stop completes OK; when the
// object dies: rule at bridge::Watched.
#pragma once
#include <ion/bridge/crossing.h>
#include <ion/contract/transport.h>

#include <array>
#include <cstring>
#include <string>

namespace ion {
namespace bridge {

template <class P>
struct ExportedTransport {
  static Transport& of(void* self) { return static_cast<P*>(self)->transport(); }
  static Listener& listener_of(ion_listener* l) noexcept { return *reinterpret_cast<Listener*>(l); }

  static ion_status listen(void* self, ion_bytes url, ion_listener** out, ion_err* err) noexcept {
    return cross(err, [&]() -> ion_status {
      Result<std::unique_ptr<Listener>> made = of(self).listen(text_of(url));
      if (!made) return made.error().to(err);
      *out = reinterpret_cast<ion_listener*>((*std::move(made)).release());
      return ION_OK;
    });
  }
  static ion_status address(void*, ion_listener* l, char* to, uint32_t n) noexcept {
    return cross(nullptr, [&]() -> ion_status {
      const std::string text = listener_of(l).address();
      if (text.size() + 1 > n) return ION_E_OUT_OF_RANGE;
      std::memcpy(to, text.c_str(), text.size() + 1);
      return ION_OK;
    });
  }
  static ion_status drain(void*, ion_listener* l, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return listener_of(l).drain(o); });
  }
  struct Stopping {
    Listener* listener;
    void succeeded(ion_result&) noexcept { delete listener; }
  };
  static ion_status stop(void*, ion_listener* l, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) {
      return Watched<Stopping>::run(o, {&listener_of(l)}, [](Op& inner, Stopping& s) { return s.listener->stop(inner); });
    });
  }
};

}  // namespace bridge

template <class P>
inline constexpr ion_transport export_transport{
    .size = sizeof(ion_transport),
    .caps = 0,
    .listen = &bridge::ExportedTransport<P>::listen,
    .address = &bridge::ExportedTransport<P>::address,
    .drain = &bridge::ExportedTransport<P>::drain,
    .stop = &bridge::ExportedTransport<P>::stop,
};

// A listener of another module. Destroyed after stop completed.
class ImportedListener final : public Listener {
 public:
  ImportedListener(ion_ref transport, ion_listener* listener) noexcept
      : table_(static_cast<const ion_transport*>(transport.table)), self_(transport.self), listener_(listener) {}
  ion_listener** slot() noexcept { return &listener_; }  // where the provider's listen writes the handle

  std::string address() override {  // empty: the transport cannot tell
    std::array<char, 256> text{};
    if (!ION_CALL(address, listener_, text.data(), static_cast<uint32_t>(text.size())).ok()) return {};
    return {text.data(), strnlen(text.data(), text.size())};
  }
  Answer drain(Op& op) override { return ION_PASS(op, drain, listener_); }
  Answer stop(Op& op) override { return ION_PASS(op, stop, listener_); }

 private:
  static constexpr std::string_view kId = ION_TRANSPORT_ID;
  const ion_transport* table_;
  void* self_;
  ion_listener* listener_;
};

class ImportedTransport final : public Transport {
 public:
  explicit ImportedTransport(ion_ref ref) noexcept : ref_(ref), table_(static_cast<const ion_transport*>(ref.table)), self_(ref.self) {}

  Result<std::unique_ptr<Listener>> listen(std::string_view url) override {
    auto listener = std::make_unique<ImportedListener>(ref_, nullptr);
    ion_err err{sizeof(ion_err), ION_OK, {}};
    if (!ION_OFFERS(table_, listen)) return bridge::missing(kId, "listen");
    ION_CHECK(bridge::told(kId, "listen", table_->listen(self_, bytes_of(url), listener->slot(), &err), &err));
    if (*listener->slot() == nullptr) return Status(ION_E_INTERNAL, "ion.transport/1 listen answered OK without a listener");
    return std::unique_ptr<Listener>(std::move(listener));
  }

 private:
  static constexpr std::string_view kId = ION_TRANSPORT_ID;
  ion_ref ref_;
  const ion_transport* table_;
  void* self_;
};

}  // namespace ion
