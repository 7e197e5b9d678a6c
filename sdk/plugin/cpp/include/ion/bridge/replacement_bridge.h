// A replacement of ion.storage/1 across the C ABI: a part of storage_bridge.h, which users include.
// A handle is the Replacement itself; it ends when commit or abort completes OK. When the object dies: rule at bridge::Watched.
#pragma once
#include <ion/bridge/crossing.h>
#include <ion/contract/storage.h>

#include <array>
#include <memory>

namespace ion {
namespace bridge {

struct ExportedReplacement {
  static Replacement& of(ion_replacement* r) noexcept { return *reinterpret_cast<Replacement*>(r); }

  struct Beginning {
    ion_replacement** out;
    std::unique_ptr<Replacement> replacement;
    void succeeded(ion_result& r) noexcept {
      if (replacement == nullptr) return fail(r, ION_E_INTERNAL, "ion.storage/1 replace_begin completed without a replacement");
      *out = reinterpret_cast<ion_replacement*>(replacement.release());
    }
  };
  struct Ending {
    Replacement* replacement;
    void succeeded(ion_result&) noexcept { delete replacement; }
  };
  static ion_status append(void*, ion_log*, ion_replacement* r, const ion_batch* batches, uint32_t n, const ion_op* op,
                           ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return of(r).append(o, {batches, n}); });
  }
  static ion_status commit(void*, ion_log*, ion_replacement* r, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) {
      return Watched<Ending>::run(o, {&of(r)}, [](Op& inner, Ending& s) { return s.replacement->commit(inner); });
    });
  }
  static ion_status abort(void*, ion_log*, ion_replacement* r, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) {
      return Watched<Ending>::run(o, {&of(r)}, [](Op& inner, Ending& s) { return s.replacement->abort(inner); });
    });
  }
};

}  // namespace bridge

// A replacement of another module. The table and its provider outlive it.
class ImportedReplacement final : public Replacement {
 public:
  ImportedReplacement(const ion_storage* table, void* self, ion_log* log) noexcept : table_(table), self_(self), log_(log) {}
  ImportedReplacement(const ImportedReplacement&) = delete;
  ~ImportedReplacement() override {
    if (raw_ != nullptr) call([this](Op& op) { return ION_PASS(op, replace_abort, log_, raw_); }, [](const ion_result&) {});
  }
  ion_replacement* raw() const noexcept { return raw_; }
  ion_replacement** slot() noexcept { return &raw_; }  // where the provider writes the handle

  Answer append(Op& op, std::span<const ion_batch> batches) override {
    if (raw_ == nullptr) return ended(op);
    return ION_PASS(op, replace_append, log_, raw_, batches.data(), static_cast<uint32_t>(batches.size()));
  }
  Answer commit(Op& op) override {
    if (raw_ == nullptr) return ended(op);
    return bridge::Watched<Ending>::run(op, {this}, [this](Op& inner, Ending&) { return ION_PASS(inner, replace_commit, log_, raw_); });
  }
  Answer abort(Op& op) override {
    if (raw_ == nullptr) return ended(op);
    return bridge::Watched<Ending>::run(op, {this}, [this](Op& inner, Ending&) { return ION_PASS(inner, replace_abort, log_, raw_); });
  }

 private:
  static constexpr std::string_view kId = ION_STORAGE_ID;
  struct Ending {
    ImportedReplacement* of;
    void succeeded(ion_result&) noexcept { of->raw_ = nullptr; }
  };
  static Answer ended(Op& op) { return op.refuse(Status(ION_E_INVALID, "this replacement was committed or aborted already")); }
  const ion_storage* table_;
  void* self_;
  ion_log* log_;
  ion_replacement* raw_ = nullptr;
};

}  // namespace ion
