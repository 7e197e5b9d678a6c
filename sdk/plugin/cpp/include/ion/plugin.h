// What a plugin includes: the host as C++ ports, and ION_PLUGIN, which makes descriptor, ELF notes and the only export.
//
//   class MyPlugin {
//    public:
//     using Config = MyConfig;                                      // a struct with rows; ion::NoConfig if there is nothing to set
//     static ion::Result<std::unique_ptr<MyPlugin>> create(ion::Host host, MyConfig config);   // memory and services only
//     ion::Status start();                                          // contracts of others are there
//     ion::Answer drain(ion::Op& op);                               // refuse new, finish old
//     const void* table(std::string_view contract);                 // &ion::export_storage<MyPlugin>, or nullptr
//     ion::Status reconfigure(MyConfig config);                     // may be left out. Rows with kReloadable have new values: take all or none.
//                                                                   // On the control thread while others call its contracts
//   };
//   ION_PLUGIN(MyPlugin, "ion.my-plugin", "0.1.0", "ion.storage/1", "ion.files/1,ion.executors/1")
#pragma once
#include <ion/abi/entry.h>
#include <ion/abi/host/buffers.h>
#include <ion/abi/host/config.h>
#include <ion/abi/host/executors.h>
#include <ion/abi/host/broker_api.h>
#include <ion/abi/host/metrics.h>
#include <ion/abi/host/random.h>
#include <ion/abi/host/rpc.h>
#include <ion/abi/host/threads.h>
#include <ion/abi/host/timers.h>
#include <ion/config_json.h>
#include <ion/op.h>
#include <ion/ports.h>

#include <array>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ion {

// The host table of one instance. Copies refer to the same host, which outlives the instance.
class Host {
 public:
  explicit Host(const ion_host* raw) noexcept : raw_(raw) {}
  const ion_host* raw() const noexcept { return raw_; }
  Instant now() const noexcept { return {raw_->mono_ns(raw_->self)}; }
  WallMs wall() const noexcept { return {raw_->wall_ms(raw_->self)}; }

  // A service or contract from `needs`; a message that names it when it is absent.
  Result<ion_ref> get(const char* id, const char* instance = nullptr) const {
    ion_ref out{nullptr, nullptr};
    const ion_status code = raw_->get(raw_->self, id, instance, &out);
    if (code == ION_OK && out.table != nullptr) return out;
    return Status(code == ION_OK ? ION_E_NOT_FOUND : to_code(code), std::string("the host has no ") + id);
  }
  void log(LogLevel level, std::string_view text, std::initializer_list<LogField> fields = {}) const {
    std::array<ion_field, 16> raw{};
    uint32_t n = 0;
    for (const LogField& f : fields)
      if (n < raw.size()) raw[n++] = {bytes_of(f.key), bytes_of(f.value)};
    raw_->log(raw_->self, static_cast<int32_t>(level), bytes_of(text), raw.data(), n);
  }
  void fault(const Status& why) const {  // "do not call me any more"
    ion_err err{sizeof(ion_err), ION_OK, {}};
    (void)why.to(&err);
    raw_->fault(raw_->self, &err);
  }

 private:
  const ion_host* raw_;
};

namespace detail {
template <uint32_t Type, size_t N>
struct Note {  // Elf64_Nhdr, name, description
  uint32_t name_bytes = 4, desc_bytes = N, type = Type;
  char name[4] = {'i', 'o', 'n', 0};
  char desc[(N + 3) / 4 * 4] = {};
  constexpr explicit Note(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) desc[i] = text[i];
  }
};

template <class P>
struct PluginShell {
  static ion_status create(const ion_host* host, ion_bytes config, void** self, ion_err* err) noexcept {
    try {
      auto parsed = read_config<typename P::Config>(text_of(config));
      if (!parsed) return parsed.error().to(err);
      Result<std::unique_ptr<P>> made = P::create(Host(host), *std::move(parsed));
      if (!made) return made.error().to(err);
      *self = (*std::move(made)).release();
      return ION_OK;
    } catch (const std::exception& e) {
      return Status(ION_E_EXCEPTION, std::string("create threw: ") + e.what()).to(err);
    } catch (...) {
      return Status(ION_E_EXCEPTION, "create threw").to(err);
    }
  }
  static const void* table(void* self, const char* id) noexcept { return static_cast<P*>(self)->table(id); }
  static ion_status start(void* self, ion_err* err) noexcept {
    try {
      return static_cast<P*>(self)->start().to(err);
    } catch (const std::exception& e) {
      return Status(ION_E_EXCEPTION, std::string("start threw: ") + e.what()).to(err);
    } catch (...) {
      return Status(ION_E_EXCEPTION, "start threw").to(err);
    }
  }
  static ion_status reconfigure(void* self, ion_bytes config, ion_err* err) noexcept {
    try {
      auto parsed = read_config<typename P::Config>(text_of(config));
      return (parsed ? static_cast<P*>(self)->reconfigure(*std::move(parsed)) : parsed.error()).to(err);
    } catch (const std::exception& e) {
      return Status(ION_E_EXCEPTION, std::string("reconfigure threw: ") + e.what()).to(err);
    } catch (...) {
      return Status(ION_E_EXCEPTION, "reconfigure threw").to(err);
    }
  }
  // The slot of the descriptor: null for a plugin without it.
  static constexpr auto reconfigure_or_null() -> ion_status (*)(void*, ion_bytes, ion_err*) noexcept {
    if constexpr (requires(P& p, typename P::Config c) { p.reconfigure(std::move(c)); }) return &reconfigure;
    else return nullptr;
  }
  static ion_status drain(void* self, const ion_op* raw, ion_result* now) noexcept {
    Op op(*raw, *now);
    try {
      return static_cast<P*>(self)->drain(op).code();
    } catch (...) {
      return op.taken() ? ION_PENDING : Status(ION_E_EXCEPTION, "drain threw").to(now->err);
    }
  }
  static void destroy(void* self) noexcept { delete static_cast<P*>(self); }
};

constexpr uint32_t count_names(std::string_view list) {
  uint32_t n = list.empty() ? 0 : 1;
  for (char c : list) n += c == ',';
  return n;
}
template <size_t N>
constexpr std::array<char, N> zero_ended(const char (&list)[N]) {  // commas become ends
  std::array<char, N> a{};
  for (size_t i = 0; i < N; ++i) a[i] = list[i] == ',' ? '\0' : list[i];
  return a;
}
template <size_t Count, size_t N>
constexpr std::array<const char*, Count + 1> name_starts(const std::array<char, N>& text) {
  std::array<const char*, Count + 1> a{};
  size_t n = 0;
  for (size_t i = 0; i + 1 < N && n < Count; ++i)
    if (i == 0 || text[i - 1] == '\0') a[n++] = text.data() + i;
  return a;
}
}  // namespace detail
}  // namespace ion

#define ION_TEXT2(x) #x
#define ION_TEXT(x) ION_TEXT2(x)
// gas knows a note section by its name; '#' hides the type that the compiler would add.
#define ION_NOTE_IN(name) __attribute__((section(name ",\"a\",@note#"), used, aligned(4)))

#define ION_PLUGIN(Class, id_text, version_text, provides_text, needs_text)                                                      \
  namespace {                                                                                                                    \
  constexpr char ion_note_text[] = "abi=" ION_TEXT(ION_ABI_MAJOR) "." ION_TEXT(ION_ABI_MINOR) ";min=0;id=" id_text              \
                                    ";version=" version_text ";provides=" provides_text ";needs=" needs_text;                    \
  ION_NOTE_IN(ION_NOTE_ABI_SECTION)                                                                                              \
  constexpr ::ion::detail::Note<ION_NOTE_TYPE_ABI, sizeof(ion_note_text) - 1> ion_abi_note{ion_note_text};                     \
  using IonSchema = ::ion::SchemaText<Class::Config>;                                                                            \
  ION_NOTE_IN(ION_NOTE_SCHEMA_SECTION)                                                                                           \
  constexpr ::ion::detail::Note<ION_NOTE_TYPE_SCHEMA, IonSchema::kSize> ion_schema_note{{IonSchema::kText.data(), IonSchema::kSize}}; \
  constexpr auto ion_provides_text = ::ion::detail::zero_ended(provides_text);                                                   \
  constexpr auto ion_provides = ::ion::detail::name_starts<::ion::detail::count_names(provides_text)>(ion_provides_text);        \
  constexpr auto ion_needs_text = ::ion::detail::zero_ended(needs_text);                                                         \
  constexpr auto ion_needs = ::ion::detail::name_starts<::ion::detail::count_names(needs_text)>(ion_needs_text);                 \
  using IonShell = ::ion::detail::PluginShell<Class>;                                                                            \
  constexpr ion_plugin ion_descriptor{sizeof(ion_plugin), ION_ABI_MAJOR, ION_ABI_MINOR, 0, 0, 0,                                 \
                                      ::ion::detail::count_names(provides_text), ::ion::detail::count_names(needs_text), id_text, \
                                      version_text, __VERSION__, IonSchema::kText.data(), ion_provides.data(), ion_needs.data(),  \
                                      &IonShell::create, &IonShell::table, &IonShell::start, IonShell::reconfigure_or_null(),          \
                                      &IonShell::drain, &IonShell::destroy};                                                     \
  }                                                                                                                              \
  extern "C" __attribute__((visibility("default"))) const ion_plugin* ion_plugin_entry_v1(const ion_probe* probe) noexcept {      \
    return probe->abi_major == ION_ABI_MAJOR ? &ion_descriptor : nullptr;                                                        \
  }
