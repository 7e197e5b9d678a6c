// ion_machine across the C ABI, both ways: the callbacks by which a consensus plugin drives the kernel's state.
// export_machine(m): the table over a Machine; it is kept as long as the group. ImportedMachine: the C++ interface over it.
// apply, role and members have no way to answer: an exception there ends the process (noexcept), since a machine that did not
// take an entry must not go on. Thread: the group's shard.
#pragma once
#include <ion/bridge/crossing.h>
#include <ion/contract/consensus.h>

#include <algorithm>
#include <array>

namespace ion {
namespace bridge {

// Entries cross in pieces on the stack: no memory is asked for on the way of a commit.
inline constexpr size_t kEntriesAtOnce = 64;

struct ExportedMachine {
  static Machine& of(void* self) noexcept { return *static_cast<Machine*>(self); }

  static void apply(void* self, const ion_entry* entries, uint32_t n) noexcept {
    std::array<Entry, kEntriesAtOnce> piece;
    for (uint32_t at = 0; at < n;) {
      const size_t count = std::min<size_t>(piece.size(), n - at);
      for (size_t i = 0; i < count; ++i, ++at) piece[i] = {entries[at].index, entries[at].term, span_of(entries[at].command)};
      of(self).apply({piece.data(), count});
    }
  }
  static void role(void* self, uint32_t role, uint64_t term, uint64_t leader) noexcept {
    of(self).role(static_cast<ion_role>(role), term, {leader});
  }
  static void members(void* self, const ion_member* now_in_force, uint32_t n) noexcept { of(self).members({now_in_force, n}); }
  static ion_status snapshot(void* self, uint64_t index, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return of(self).snapshot(o, index); });
  }
  static ion_status restore(void* self, uint64_t index, uint64_t term, const ion_buf* parts, uint32_t n, const ion_op* op,
                            ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return of(self).restore(o, index, term, {parts, n}); });
  }
};

}  // namespace bridge

inline ion_machine export_machine(Machine& machine) noexcept {
  using Table = bridge::ExportedMachine;
  return {sizeof(ion_machine), 0, &machine, &Table::apply, &Table::role, &Table::members, &Table::snapshot, &Table::restore};
}

class ImportedMachine final : public Machine {
 public:
  explicit ImportedMachine(const ion_machine* table) noexcept : table_(table), self_(table->self) {
    ION_ASSERT(ION_HAS(table_, apply));
  }

  void apply(std::span<const Entry> entries) override {
    std::array<ion_entry, bridge::kEntriesAtOnce> piece{};
    while (!entries.empty()) {
      const size_t count = std::min(piece.size(), entries.size());
      for (size_t i = 0; i < count; ++i) piece[i] = {entries[i].index, entries[i].term, borrowed(entries[i].command)};
      table_->apply(self_, piece.data(), static_cast<uint32_t>(count));
      entries = entries.subspan(count);
    }
  }
  void role(ion_role role, uint64_t term, NodeId leader) override {
    if (ION_OFFERS(table_, role)) table_->role(self_, role, term, leader.v);
  }
  void members(std::span<const ion_member> now_in_force) override {
    if (ION_OFFERS(table_, members)) table_->members(self_, now_in_force.data(), static_cast<uint32_t>(now_in_force.size()));
  }
  Answer snapshot(Op& op, uint64_t index) override { return ION_PASS(op, snapshot, index); }
  Answer restore(Op& op, uint64_t index, uint64_t term, std::span<const ion_buf> parts) override {
    return ION_PASS(op, restore, index, term, parts.data(), static_cast<uint32_t>(parts.size()));
  }

 private:
  static constexpr std::string_view kId = "ion.consensus/1 ion_machine";
  const ion_machine* table_;
  void* self_;
};

}  // namespace ion
