// ion.storage/1 across the C ABI, both ways.
// export_storage<P>: table of a plugin class P that offers `Storage& storage()` and, unless they are 0, its capabilities as
// `static constexpr uint32_t kStorageCaps`; they must equal storage().caps(), else every open is refused.
// ImportedStorage: the C++ interface over such a table, which outlives it; its logs are ImportedLogs (log_bridge.h).
#pragma once
#include <ion/bridge/log_bridge.h>

#include <utility>

namespace ion {
namespace bridge {

template <class P>
struct ExportedStorage {
  static constexpr uint32_t caps() {
    if constexpr (requires { P::kStorageCaps; }) return P::kStorageCaps;
    else return 0;
  }
  static Storage& of(void* self) { return static_cast<P*>(self)->storage(); }

  struct Opening {
    OpenOptions options;
    ion_log** out;
    std::unique_ptr<Log> log;
    void succeeded(ion_result& r) noexcept {
      if (log == nullptr) return fail(r, ION_E_INTERNAL, "ion.storage/1 open completed without a log");
      *out = reinterpret_cast<ion_log*>(log.release());
    }
  };
  static ion_status open(void* self, ion_bytes log, const ion_open_options* options, ion_log** out, const ion_op* op,
                         ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) {
      if (of(self).caps() != caps()) return o.refuse(Status(ION_E_INTERNAL, "kStorageCaps differs from storage().caps()"));
      return Watched<Opening>::run(o, {options_from(options), out, nullptr}, [&](Op& inner, Opening& s) {
        return of(self).open(inner, text_of(log), s.options, &s.log);
      });
    });
  }
  static ion_status list(void* self, ion_bytes prefix, ion_name_fn each, void* ctx, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) {
      return of(self).list(o, text_of(prefix), [each, ctx](std::string_view name, uint64_t n) { each(ctx, bytes_of(name), n); });
    });
  }
  static ion_status remove(void* self, ion_bytes log, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return of(self).remove(o, text_of(log)); });
  }
  static ion_status space(void* self, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return of(self).space(o); });
  }
  static ion_status identity(void* self, uint8_t* uuid16) noexcept {
    return cross(nullptr, [&]() -> ion_status {
      const Result<Uuid> id = of(self).identity();
      if (!id) return id.error().code();
      std::copy(id->bytes.begin(), id->bytes.end(), uuid16);
      return ION_OK;
    });
  }
};

}  // namespace bridge

template <class P>
inline constexpr ion_storage export_storage{
    .size = sizeof(ion_storage),
    .caps = bridge::ExportedStorage<P>::caps(),
    .open = &bridge::ExportedStorage<P>::open,
    .close = &bridge::ExportedLog::close,
    .append = &bridge::ExportedLog::append,
    .read = &bridge::ExportedLog::read,
    .sync = &bridge::ExportedLog::sync,
    .truncate_suffix = &bridge::ExportedLog::truncate_suffix,
    .truncate_prefix = &bridge::ExportedLog::truncate_prefix,
    .offset_for_time = &bridge::ExportedLog::offset_for_time,
    .stat = &bridge::ExportedLog::stat,
    .meta_put = &bridge::ExportedLog::meta_put,
    .meta_get = &bridge::ExportedLog::meta_get,
    .ranges = &bridge::ExportedLog::ranges,
    .list = &bridge::ExportedStorage<P>::list,
    .remove = &bridge::ExportedStorage<P>::remove,
    .identity = &bridge::ExportedStorage<P>::identity,
    .configure = &bridge::ExportedLog::configure,
    .seal = &bridge::ExportedLog::seal,
    .replace_begin = &bridge::ExportedLog::replace_begin,
    .replace_append = &bridge::ExportedReplacement::append,
    .replace_commit = &bridge::ExportedReplacement::commit,
    .replace_abort = &bridge::ExportedReplacement::abort,
    .space = &bridge::ExportedStorage<P>::space,
};

class ImportedStorage final : public Storage {
 public:
  explicit ImportedStorage(ion_ref ref) noexcept : ref_(ref), table_(static_cast<const ion_storage*>(ref.table)), self_(ref.self) {}

  uint32_t caps() const override { return table_ != nullptr ? table_->caps : 0; }
  Answer open(Op& op, std::string_view log, const OpenOptions& options, std::unique_ptr<Log>* out) override {
    Opening state{bridge::raw_options(options), std::make_unique<ImportedLog>(ref_, nullptr), out};
    return bridge::Watched<Opening>::run(op, std::move(state), [&](Op& inner, Opening& s) {
      return ION_PASS(inner, open, bytes_of(log), &s.options, s.log->slot());
    });
  }
  Answer list(Op& op, std::string_view prefix, EachName each) override {
    return bridge::Watched<Listing>::run(op, {std::move(each)}, [&](Op& inner, Listing& s) {
      return ION_PASS(inner, list, bytes_of(prefix), &Listing::hear, &s);
    });
  }
  Answer remove(Op& op, std::string_view log) override { return ION_PASS(op, remove, bytes_of(log)); }
  Result<Uuid> identity() override {
    Uuid id;
    ION_CHECK(ION_CALL(identity, id.bytes.data()));
    return id;
  }
  Answer space(Op& op) override { return ION_PASS(op, space); }

 private:
  static constexpr std::string_view kId = ION_STORAGE_ID;
  struct Opening {
    ion_open_options options;
    std::unique_ptr<ImportedLog> log;
    std::unique_ptr<Log>* out;
    void succeeded(ion_result& r) noexcept {
      if (log->raw() == nullptr) return bridge::fail(r, ION_E_INTERNAL, "ion.storage/1 open completed without a log");
      *out = std::move(log);
    }
  };
  struct Listing {
    EachName each;
    bool threw = false;
    static void hear(void* ctx, ion_bytes name, uint64_t bytes) noexcept {
      auto* s = static_cast<Listing*>(ctx);
      s->threw |= bridge::cross(nullptr, [&] { return s->each(text_of(name), bytes), ION_OK; }) != ION_OK;
    }
    void succeeded(ion_result& r) noexcept {
      if (threw) bridge::fail(r, ION_E_EXCEPTION, "the receiver of a log name threw");
    }
  };
  ion_ref ref_;
  const ion_storage* table_;
  void* self_;
};

}  // namespace ion
