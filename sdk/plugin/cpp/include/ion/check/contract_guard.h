// Tables that check how they are used, in front of the real ones: a host wraps what a plugin provides and what it gives to plugins, a
// conformance test does the same. Nothing is changed but what would be wrong:
//
//   completion   `done` a second time, after an answer at once or a refusal, or after drain: told, and not handed on. An op that completed
//                and answered something else than PENDING as well counts as completed.
//   drain        ops that are out when the plugin says that it has drained are named and end with UNKNOWN_OUTCOME; later calls are told
//   word         a function called on a thread that its word forbids; calls on one handle of a shard that overlap: told
//   leases       each buffer of an answer is counted until its last release, with its age
//
// Price: an allocation for an op and for a buffer, and a lock. Thread: any. Buffers and completions may outlive the guard.
#pragma once
#include <ion/abi/contract/consensus.h>
#include <ion/abi/contract/interceptor.h>
#include <ion/abi/contract/router.h>
#include <ion/abi/contract/storage.h>
#include <ion/abi/contract/transport.h>
#include <ion/abi/host/events.h>
#include <ion/abi/host/files.h>
#include <ion/abi/host/metrics.h>
#include <ion/abi/host/rpc.h>
#include <ion/abi/host/threads.h>
#include <ion/abi/host/timers.h>
#include <ion/check/guard_core.h>

#include <cstring>
#include <tuple>
#include <type_traits>

namespace ion::check {

namespace detail {

struct AnyWord { static constexpr Wanted kWanted = Wanted::kAny; };
struct ShardWord { static constexpr Wanted kWanted = Wanted::kShard; };
struct ControlWord { static constexpr Wanted kWanted = Wanted::kControl; };
struct BlockingWord { static constexpr Wanted kWanted = Wanted::kBlocking; };

template <class T>
struct Guarded {
  std::shared_ptr<GuardCore> core;
  const char* contract;
  const T* real;
  void* self;
  T mine{};
  Entered::Of of = Entered::Of::kContract;
};

template <class... A>
constexpr bool ends_as_op() {
  if constexpr (sizeof...(A) < 2) return false;
  else {
    using All = std::tuple<A...>;
    return std::is_same_v<std::tuple_element_t<sizeof...(A) - 2, All>, const ion_op*> && std::is_same_v<std::tuple_element_t<sizeof...(A) - 1, All>, ion_result*>;
  }
}

// The handle that calls of a shard's word are about: a first argument that the provider made.
template <class First, class... Rest>
const void* handle_of(First first, Rest...) {
  using Pointed = std::remove_pointer_t<First>;
  if constexpr (std::is_pointer_v<First> && std::is_object_v<Pointed> && !std::is_const_v<Pointed>) return first;
  else return nullptr;
}
inline const void* handle_of() { return nullptr; }

template <auto Member, class Word, class Name, class = decltype(Member)>
struct Checked;
template <auto Member, class Word, class Name, class T, class R, class... A>
struct Checked<Member, Word, Name, R (*T::*)(void*, A...) noexcept> {
  static R call(void* raw, A... a) noexcept {
    auto& g = *static_cast<Guarded<T>*>(raw);
    const Call about{g.contract, Name::text()};
    const Entered in(*g.core, about, Word::kWanted, Word::kWanted == Wanted::kShard ? handle_of(a...) : nullptr, g.of);
    if constexpr (ends_as_op<A...>()) return ask(g, about, std::tuple<void*, A...>(g.self, a...));
    else return (g.real->*Member)(g.self, a...);
  }

 private:
  static ion_status ask(Guarded<T>& g, const Call& about, std::tuple<void*, A...> all) {
    constexpr size_t kOp = sizeof...(A) - 1;
    ion_result& now = *std::get<kOp + 1>(all);
    OpRecord& record = g.core->begin(about, *std::get<kOp>(all));
    std::get<kOp>(all) = &record.op;
    return record.returned(std::apply([&](auto... args) { return (g.real->*Member)(args...); }, all), now);
  }
};

#define ION_CHECKED(T, member, Word)                                                                  \
  do {                                                                                                \
    struct Name { static constexpr const char* text() { return #member; } };                          \
    if (g->mine.member != nullptr) g->mine.member = &Checked<&T::member, Word, Name>::call;           \
  } while (false)

template <class T>
std::shared_ptr<Guarded<T>> begin_guard(const std::shared_ptr<GuardCore>& core, const char* contract, ion_ref ref) {
  auto g = std::make_shared<Guarded<T>>();
  g->core = core, g->contract = contract, g->self = ref.self;
  g->real = static_cast<const T*>(ref.table);
  const uint32_t size = std::min<uint32_t>(g->real->size, sizeof(T));
  std::memcpy(&g->mine, g->real, size);
  g->mine.size = size;
  return g;
}

inline std::shared_ptr<Guarded<ion_storage>> guard_storage(const std::shared_ptr<GuardCore>& core, ion_ref ref) {
  auto g = begin_guard<ion_storage>(core, ION_STORAGE_ID, ref);
  ION_CHECKED(ion_storage, open, AnyWord);  // of the control word; the host calls it where it opens logs
  ION_CHECKED(ion_storage, close, ShardWord);
  ION_CHECKED(ion_storage, append, ShardWord);
  ION_CHECKED(ion_storage, read, AnyWord);
  ION_CHECKED(ion_storage, sync, ShardWord);
  ION_CHECKED(ion_storage, truncate_suffix, ShardWord);
  ION_CHECKED(ion_storage, truncate_prefix, ShardWord);
  ION_CHECKED(ion_storage, offset_for_time, AnyWord);
  ION_CHECKED(ion_storage, stat, AnyWord);
  ION_CHECKED(ion_storage, meta_put, ShardWord);
  ION_CHECKED(ion_storage, meta_get, ShardWord);
  ION_CHECKED(ion_storage, ranges, ShardWord);
  ION_CHECKED(ion_storage, list, AnyWord);
  ION_CHECKED(ion_storage, remove, AnyWord);
  ION_CHECKED(ion_storage, identity, AnyWord);
  ION_CHECKED(ion_storage, configure, ShardWord);
  ION_CHECKED(ion_storage, seal, ShardWord);
  ION_CHECKED(ion_storage, replace_begin, ShardWord);
  ION_CHECKED(ion_storage, replace_append, ShardWord);
  ION_CHECKED(ion_storage, replace_commit, ShardWord);
  ION_CHECKED(ion_storage, replace_abort, ShardWord);
  ION_CHECKED(ion_storage, space, AnyWord);
  return g;
}

inline std::shared_ptr<Guarded<ion_consensus>> guard_consensus(const std::shared_ptr<GuardCore>& core, ion_ref ref) {
  auto g = begin_guard<ion_consensus>(core, ION_CONSENSUS_ID, ref);
  ION_CHECKED(ion_consensus, open, AnyWord);
  ION_CHECKED(ion_consensus, close, AnyWord);
  ION_CHECKED(ion_consensus, propose, AnyWord);
  ION_CHECKED(ion_consensus, read_barrier, AnyWord);
  ION_CHECKED(ion_consensus, join, AnyWord);
  ION_CHECKED(ion_consensus, change, AnyWord);
  ION_CHECKED(ion_consensus, transfer, AnyWord);
  ION_CHECKED(ion_consensus, stat, AnyWord);
  return g;
}

inline std::shared_ptr<Guarded<ion_transport>> guard_transport(const std::shared_ptr<GuardCore>& core, ion_ref ref) {
  auto g = begin_guard<ion_transport>(core, ION_TRANSPORT_ID, ref);
  ION_CHECKED(ion_transport, listen, AnyWord);
  ION_CHECKED(ion_transport, address, AnyWord);
  ION_CHECKED(ion_transport, drain, AnyWord);
  ION_CHECKED(ion_transport, stop, AnyWord);
  return g;
}

inline std::shared_ptr<Guarded<ion_router>> guard_router(const std::shared_ptr<GuardCore>& core, ion_ref ref) {
  auto g = begin_guard<ion_router>(core, ION_ROUTER_ID, ref);
  ION_CHECKED(ion_router, partition, AnyWord);
  ION_CHECKED(ion_router, place, AnyWord);
  ION_CHECKED(ion_router, replica, AnyWord);
  return g;
}

inline std::shared_ptr<Guarded<ion_interceptor>> guard_interceptor(const std::shared_ptr<GuardCore>& core, ion_ref ref) {
  auto g = begin_guard<ion_interceptor>(core, ION_INTERCEPTOR_ID, ref);
  ION_CHECKED(ion_interceptor, on, AnyWord);
  return g;
}

// What a plugin is given: it is the plugin that calls on a wrong thread.
inline std::shared_ptr<Guarded<ion_files>> guard_files(const std::shared_ptr<GuardCore>& core, ion_ref ref) {
  auto g = begin_guard<ion_files>(core, ION_FILES_ID, ref);
  ION_CHECKED(ion_files, open, BlockingWord);
  ION_CHECKED(ion_files, close, BlockingWord);
  ION_CHECKED(ion_files, pwrite, AnyWord);
  ION_CHECKED(ion_files, pread, BlockingWord);
  ION_CHECKED(ion_files, length, BlockingWord);
  ION_CHECKED(ion_files, allocate, BlockingWord);
  ION_CHECKED(ion_files, zero, BlockingWord);
  ION_CHECKED(ion_files, sync_data, BlockingWord);
  ION_CHECKED(ion_files, shrink, BlockingWord);
  ION_CHECKED(ion_files, sync_dir, BlockingWord);
  ION_CHECKED(ion_files, map, BlockingWord);
  ION_CHECKED(ion_files, rename, BlockingWord);
  ION_CHECKED(ion_files, remove, BlockingWord);
  ION_CHECKED(ion_files, make_dir, BlockingWord);
  ION_CHECKED(ion_files, list, BlockingWord);
  ION_CHECKED(ion_files, space, BlockingWord);
  ION_CHECKED(ion_files, sync_all, AnyWord);
  g->of = Entered::Of::kService;
  return g;
}

inline std::shared_ptr<Guarded<ion_timers>> guard_timers(const std::shared_ptr<GuardCore>& core, ion_ref ref) {
  auto g = begin_guard<ion_timers>(core, ION_TIMERS_ID, ref);
  ION_CHECKED(ion_timers, arm, AnyWord);
  ION_CHECKED(ion_timers, disarm, AnyWord);
  g->of = Entered::Of::kService;
  return g;
}

inline std::shared_ptr<Guarded<ion_metrics>> guard_metrics(const std::shared_ptr<GuardCore>& core, ion_ref ref) {
  auto g = begin_guard<ion_metrics>(core, ION_METRICS_ID, ref);
  ION_CHECKED(ion_metrics, declare, ControlWord);
  ION_CHECKED(ion_metrics, series, ControlWord);
  ION_CHECKED(ion_metrics, snapshot, AnyWord);
  g->of = Entered::Of::kService;
  return g;
}

inline std::shared_ptr<Guarded<ion_rpc>> guard_rpc(const std::shared_ptr<GuardCore>& core, ion_ref ref) {
  auto g = begin_guard<ion_rpc>(core, ION_RPC_ID, ref);
  ION_CHECKED(ion_rpc, add, ControlWord);
  ION_CHECKED(ion_rpc, describe, ControlWord);
  ION_CHECKED(ion_rpc, find, AnyWord);
  ION_CHECKED(ion_rpc, descriptors, AnyWord);
  g->of = Entered::Of::kService;
  return g;
}
inline std::shared_ptr<Guarded<ion_events>> guard_events(const std::shared_ptr<GuardCore>& core, ion_ref ref) {
  auto g = begin_guard<ion_events>(core, ION_EVENTS_ID, ref);
  ION_CHECKED(ion_events, subscribe, ControlWord);
  ION_CHECKED(ion_events, unsubscribe, AnyWord);
  g->of = Entered::Of::kService;
  return g;
}
#undef ION_CHECKED

}  // namespace detail

class ContractGuard {
 public:
  explicit ContractGuard(GuardHooks hooks) : core_(std::make_shared<GuardCore>(std::move(hooks))) {}
  ~ContractGuard() { core_->retire(); }
  ContractGuard(const ContractGuard&) = delete;
  ContractGuard& operator=(const ContractGuard&) = delete;

  // The table of `contract`, a contract or a host service, with the checks in front; it lives as long as the guard. What the guard does not
  // know, or a table that is null or shorter than its first fields, is answered as it is.
  ion_ref wrap(std::string_view contract, ion_ref ref) {
    constexpr uint32_t kLeastSize = 8;
    if (ref.table == nullptr || *static_cast<const uint32_t*>(ref.table) < kLeastSize) return ref;
    using namespace detail;
    if (contract == ION_STORAGE_ID) return keep(guard_storage(core_, ref));
    if (contract == ION_CONSENSUS_ID) return keep(guard_consensus(core_, ref));
    if (contract == ION_TRANSPORT_ID) return keep(guard_transport(core_, ref));
    if (contract == ION_ROUTER_ID) return keep(guard_router(core_, ref));
    if (contract == ION_INTERCEPTOR_ID) return keep(guard_interceptor(core_, ref));
    if (contract == ION_FILES_ID) return keep(guard_files(core_, ref));
    if (contract == ION_TIMERS_ID) return keep(guard_timers(core_, ref));
    if (contract == ION_METRICS_ID) return keep(guard_metrics(core_, ref));
    if (contract == ION_EVENTS_ID) return keep(guard_events(core_, ref));
    if (contract == ION_RPC_ID) return keep(guard_rpc(core_, ref));
    return ref;
  }
  // The plugin says that it has drained: what is out is told and ended.
  void drained() { core_->drained(); }
  GuardCounts counts() const { return core_->counts(); }
  // "1 op (sync), 2 leases of 4096 bytes, the oldest for 3 s"; empty: nothing is out.
  std::string outstanding() const { return core_->outstanding(); }

 private:
  template <class T>
  ion_ref keep(std::shared_ptr<detail::Guarded<T>> guarded) {
    const ion_ref ref{&guarded->mine, guarded.get()};
    tables_.push_back(std::move(guarded));
    return ref;
  }
  const std::shared_ptr<GuardCore> core_;  // shared with ops and buffers that are out
  std::vector<std::shared_ptr<void>> tables_;
};

}  // namespace ion::check
