// ion.consensus/1 across the C ABI, both ways. The machine of a group crosses the other way round: machine_bridge.h.
// export_consensus<P>: table of a plugin class P that offers `Consensus& consensus()` and, unless they are 0, its capabilities as
// `static constexpr uint32_t kConsensusCaps`; they must equal consensus().caps(), else every open is refused.
// ImportedConsensus: the C++ interface over such a table, which outlives it and its groups.
// A handle is a box that holds the Group and its imported machine. It ends when close completes OK; when the objects die: rule
// at bridge::Watched.
#pragma once
#include <ion/bridge/machine_bridge.h>

#include <utility>

namespace ion {
namespace bridge {

struct ExportedGroup {
  ImportedMachine machine;  // outlives the group
  std::unique_ptr<Group> group;

  static ExportedGroup& box_of(ion_group* g) noexcept { return *reinterpret_cast<ExportedGroup*>(g); }
  static Group& of(ion_group* g) noexcept { return *box_of(g).group; }

  struct Closing {
    ExportedGroup* box;
    void succeeded(ion_result&) noexcept { delete box; }
  };
  static ion_status close(void*, ion_group* g, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) {
      return Watched<Closing>::run(o, {&box_of(g)}, [](Op& inner, Closing& s) { return s.box->group->close(inner); });
    });
  }
  static ion_status propose(void*, ion_group* g, const ion_buf* parts, uint32_t n, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return of(g).propose(o, {parts, n}); });
  }
  static ion_status read_barrier(void*, ion_group* g, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return of(g).read_barrier(o); });
  }
  static ion_status join(void*, ion_group* g, const ion_bytes* managers, uint32_t n, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return of(g).join(o, {managers, n}); });
  }
  static ion_status change(void*, ion_group* g, const ion_member* items, uint32_t n, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return of(g).change(o, {items, n}); });
  }
  static ion_status transfer(void*, ion_group* g, uint64_t to_node, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return of(g).transfer(o, {to_node}); });
  }
  static ion_status stat(void*, ion_group* g, ion_group_stat* out) noexcept {
    return cross(nullptr, [&] {
      const GroupStat s = of(g).stat();
      give(out, {sizeof(ion_group_stat), static_cast<uint32_t>(s.role), s.term, s.leader, s.commit, s.applied, s.last});
      return ION_OK;
    });
  }
};

template <class P>
struct ExportedConsensus {
  static constexpr uint32_t caps() {
    if constexpr (requires { P::kConsensusCaps; }) return P::kConsensusCaps;
    else return 0;
  }
  static Consensus& of(void* self) { return static_cast<P*>(self)->consensus(); }

  struct Opening {
    GroupSpec spec;
    std::unique_ptr<ExportedGroup> box;
    ion_group** out;
    void succeeded(ion_result& r) noexcept {
      if (box->group == nullptr) return fail(r, ION_E_INTERNAL, "ion.consensus/1 open completed without a group");
      *out = reinterpret_cast<ion_group*>(box.release());
    }
  };
  static ion_status open(void* self, const ion_group_spec* spec, ion_group** out, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) {
      if (of(self).caps() != caps()) return o.refuse(Status(ION_E_INTERNAL, "kConsensusCaps differs from consensus().caps()"));
      const ion_group_spec raw = take(spec);
      if (raw.machine == nullptr) return o.refuse(Status(ION_E_INVALID, "a group needs a machine"));
      std::unique_ptr<ExportedGroup> box(new ExportedGroup{ImportedMachine(raw.machine), nullptr});
      Machine* const machine = &box->machine;
      const GroupSpec ours{text_of(raw.name), {raw.shard}, {raw.node}, {raw.bootstrap, raw.nbootstrap}, raw.storage, machine};
      return Watched<Opening>::run(o, {ours, std::move(box), out}, [&](Op& inner, Opening& s) {
        return of(self).open(inner, s.spec, &s.box->group);
      });
    });
  }
};

}  // namespace bridge

template <class P>
inline constexpr ion_consensus export_consensus{
    .size = sizeof(ion_consensus),
    .caps = bridge::ExportedConsensus<P>::caps(),
    .open = &bridge::ExportedConsensus<P>::open,
    .close = &bridge::ExportedGroup::close,
    .propose = &bridge::ExportedGroup::propose,
    .read_barrier = &bridge::ExportedGroup::read_barrier,
    .join = &bridge::ExportedGroup::join,
    .change = &bridge::ExportedGroup::change,
    .transfer = &bridge::ExportedGroup::transfer,
    .stat = &bridge::ExportedGroup::stat,
};

// A group of another module. Destroyed after close completed; the Machine outlives it.
class ImportedGroup final : public Group {
 public:
  ImportedGroup(ion_ref consensus, Machine& machine) noexcept
      : table_(static_cast<const ion_consensus*>(consensus.table)), self_(consensus.self), machine_(export_machine(machine)) {}
  ImportedGroup(const ImportedGroup&) = delete;
  ImportedGroup& operator=(const ImportedGroup&) = delete;
  ion_group** slot() noexcept { return &group_; }  // where the provider's open writes the handle
  const ion_machine* machine() const noexcept { return &machine_; }

  Answer close(Op& op) override { return ION_PASS(op, close, group_); }
  Answer propose(Op& op, std::span<const ion_buf> parts) override {
    return ION_PASS(op, propose, group_, parts.data(), static_cast<uint32_t>(parts.size()));
  }
  Answer read_barrier(Op& op) override { return ION_PASS(op, read_barrier, group_); }
  Answer transfer(Op& op, NodeId to) override { return ION_PASS(op, transfer, group_, to.v); }
  Answer change(Op& op, std::span<const ion_member> items) override {
    return ION_PASS(op, change, group_, items.data(), static_cast<uint32_t>(items.size()));
  }
  Answer join(Op& op, std::span<const ion_bytes> managers) override {
    return ION_PASS(op, join, group_, managers.data(), static_cast<uint32_t>(managers.size()));
  }
  GroupStat stat() override {  // all zero, a follower of nobody, when the other side cannot tell
    ion_group_stat s{sizeof(ion_group_stat), ION_ROLE_FOLLOWER, 0, 0, 0, 0, 0};
    if (!ION_CALL(stat, group_, &s).ok()) return {};
    return {static_cast<ion_role>(s.role), s.term, s.leader, s.commit, s.applied, s.last};
  }

 private:
  static constexpr std::string_view kId = ION_CONSENSUS_ID;
  const ion_consensus* table_;
  void* self_;
  const ion_machine machine_;  // the provider keeps its address
  ion_group* group_ = nullptr;
};

class ImportedConsensus final : public Consensus {
 public:
  explicit ImportedConsensus(ion_ref ref) noexcept : ref_(ref), table_(static_cast<const ion_consensus*>(ref.table)), self_(ref.self) {}

  uint32_t caps() const override { return table_ != nullptr ? table_->caps : 0; }
  Answer open(Op& op, const GroupSpec& spec, std::unique_ptr<Group>* out) override {
    if (spec.machine == nullptr) return op.refuse(Status(ION_E_INVALID, "a group needs a machine"));
    auto group = std::make_unique<ImportedGroup>(ref_, *spec.machine);
    const ion_group_spec raw{sizeof(ion_group_spec), spec.shard.v, bytes_of(spec.name), spec.node.v, spec.bootstrap.data(),
                             static_cast<uint32_t>(spec.bootstrap.size()), 0, spec.storage, group->machine()};
    return bridge::Watched<Opening>::run(op, {raw, std::move(group), out}, [&](Op& inner, Opening& s) {
      return ION_PASS(inner, open, &s.spec, s.group->slot());
    });
  }

 private:
  static constexpr std::string_view kId = ION_CONSENSUS_ID;
  struct Opening {
    ion_group_spec spec;
    std::unique_ptr<ImportedGroup> group;
    std::unique_ptr<Group>* out;
    void succeeded(ion_result& r) noexcept {
      if (*group->slot() == nullptr) return bridge::fail(r, ION_E_INTERNAL, "ion.consensus/1 open completed without a group");
      *out = std::move(group);
    }
  };
  ion_ref ref_;
  const ion_consensus* table_;
  void* self_;
};

}  // namespace ion
