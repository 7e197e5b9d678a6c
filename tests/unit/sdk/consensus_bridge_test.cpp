#include <gtest/gtest.h>
#include <ion/bridge/consensus_bridge.h>

#include <string>
#include <vector>

#include "unit/sdk/asked.h"

namespace ion {
namespace {

using test::Asked;
using test::CountedBytes;
using test::How;
using Lines = std::vector<std::string>;

std::string joined(std::span<const ion_buf> parts) {
  std::string text;
  for (const ion_buf& part : parts) text += text_of(span_of(part));
  return text;
}

// The kernel's side.
struct FakeMachine final : Machine {
  test::Script script;
  CountedBytes state{"the state"};
  Lines heard;
  void apply(std::span<const Entry> entries) override {
    for (const Entry& e : entries)
      heard.push_back(std::to_string(e.index) + '/' + std::to_string(e.term) + ' ' + std::string(text_of(e.command)));
  }
  void role(ion_role role, uint64_t term, NodeId leader) override {
    heard.push_back("role " + std::to_string(role) + ' ' + std::to_string(term) + ' ' + std::to_string(leader.v));
  }
  void members(std::span<const ion_member> now_in_force) override {
    for (const ion_member& m : now_in_force) heard.push_back("member " + std::to_string(m.node) + ' ' + std::string(text_of(m.address)));
  }
  Answer snapshot(Op& op, uint64_t index) override {
    return script.answer(op, index, 0, [this] {
      Bufs bufs;
      bufs.push_back(state.lend());
      return bufs;
    });
  }
  Answer restore(Op& op, uint64_t index, uint64_t term, std::span<const ion_buf> parts) override {
    heard.push_back("restore " + joined(parts));
    return script.answer(op, index, term);
  }
};

// The plugin's side.
struct Notes {
  test::Script script;
  Lines asked;
  int groups_alive = 0;
  Machine* machine = nullptr;
  std::string spec;
};
class FakeGroup final : public Group {
 public:
  explicit FakeGroup(Notes& notes) : notes_(notes) { ++notes_.groups_alive; }
  ~FakeGroup() override {
    notes_.machine->role(ION_ROLE_FOLLOWER, 0, {});  // the machine outlives the group
    --notes_.groups_alive;
  }
  Answer close(Op& op) override {
    const Answer answer = notes_.script.answer(op);
    notes_.asked.push_back("close");
    return answer;
  }
  Answer propose(Op& op, std::span<const ion_buf> parts) override {
    return notes_.asked.push_back("propose " + joined(parts)), notes_.script.answer(op, 5, 2);
  }
  Answer read_barrier(Op& op) override { return notes_.asked.push_back("barrier"), notes_.script.answer(op); }
  Answer transfer(Op& op, NodeId to) override {
    return notes_.asked.push_back("transfer " + std::to_string(to.v)), notes_.script.answer(op);
  }
  Answer change(Op& op, std::span<const ion_member> items) override {
    for (const ion_member& m : items) notes_.asked.push_back("change " + std::to_string(m.node) + ' ' + std::to_string(m.change));
    return notes_.script.answer(op);
  }
  Answer join(Op& op, std::span<const ion_bytes> managers) override {
    for (const ion_bytes& m : managers) notes_.asked.push_back("join " + std::string(text_of(m)));
    return notes_.script.answer(op);
  }
  GroupStat stat() override {
    if (notes_.script.how == How::kThrow) throw std::runtime_error("stat threw");
    return {ION_ROLE_LEADER, 2, 1, 7, 6, 8};
  }

 private:
  Notes& notes_;
};
struct Plugin final : Consensus {
  static constexpr uint32_t kConsensusCaps = 4;
  Notes notes;
  Consensus& consensus() { return *this; }
  uint32_t caps() const override { return kConsensusCaps; }
  Answer open(Op& op, const GroupSpec& spec, std::unique_ptr<Group>* out) override {
    return notes.script.answer(op, 0, 0, [this, out, &spec] {  // the spec is borrowed until completion
      notes.machine = spec.machine;
      notes.spec = std::string(spec.name) + ' ' + std::to_string(spec.shard.v) + ' ' + std::to_string(spec.node.v) + ' ' +
                   std::to_string(spec.bootstrap.size()) + ' ' + std::string(text_of(spec.bootstrap[0].address)) +
                   (spec.storage.self == this ? " storage" : "");
      *out = std::make_unique<FakeGroup>(notes);
      return Bufs();
    });
  }
};
struct ThereAndBack {
  Plugin plugin;
  FakeMachine machine;
  ion_consensus table = export_consensus<Plugin>;
  ImportedConsensus consensus{ion_ref{&table, &plugin}};
  std::unique_ptr<Group> group;
  const ion_member bootstrap[1] = {{1, bytes_of("a:1"), 0, 0}};

  ThereAndBack() { (void)opened(); }
  Asked opened() {
    return Asked([this](Op& op) {
      return consensus.open(op, {"meta", {3}, {1}, bootstrap, ion_ref{nullptr, &plugin}, &machine}, &group);
    });
  }
  Asked closed() {
    return Asked([this](Op& op) { return group->close(op); });
  }
  ~ThereAndBack() {
    plugin.notes.script.how = How::kInline;
    if (plugin.notes.groups_alive > 0) (void)closed();
  }
};

const ion_buf kParts[] = {borrowed(span_of(std::string_view("create "))), borrowed(span_of(std::string_view("topic")))};
const ion_member kItems[] = {{2, bytes_of("b:1"), 0, ION_CHANGE_ADD}, {3, bytes_of("c:1"), 0, ION_CHANGE_PROMOTE}};
const ion_bytes kManagers[] = {bytes_of("a:1"), bytes_of("b:1")};
struct Case {
  const char* member;
  std::function<Answer(Group&, Op&)> ask;
  const char* seen;
  uint64_t u0 = 0, u1 = 0;
};
const Case kCases[] = {
    {"propose", [](Group& g, Op& op) { return g.propose(op, kParts); }, "propose create topic", 5, 2},
    {"read_barrier", [](Group& g, Op& op) { return g.read_barrier(op); }, "barrier"},
    {"join", [](Group& g, Op& op) { return g.join(op, kManagers); }, "join b:1"},
    {"change", [](Group& g, Op& op) { return g.change(op, kItems); }, "change 3 2"},
    {"transfer", [](Group& g, Op& op) { return g.transfer(op, {3}); }, "transfer 3"},
};

TEST(ConsensusBridge, every_op_ends_once_in_each_way_an_op_can_end) {
  for (const Case& each : kCases)
    for (const test::Expected& way : test::kWays) {
      SCOPED_TRACE(std::string(each.member) + " way " + std::to_string(static_cast<int>(way.how)));
      ThereAndBack there;
      there.plugin.notes.script.how = way.how;
      Asked asked([&](Op& op) { return each.ask(*there.group, op); });
      EXPECT_EQ(asked.answers(), way.late ? 0 : 1);
      there.plugin.notes.script.finish();
      EXPECT_EQ(asked.code(), way.code);
      EXPECT_NE(asked.message().find(way.words), std::string::npos) << asked.message();
      EXPECT_EQ(there.plugin.notes.asked.back(), each.seen);
      if (way.code == ION_OK) { EXPECT_EQ(asked.outcome().u0 * 10 + asked.outcome().u1, each.u0 * 10 + each.u1); }
      if (way.how == How::kFailLate) { EXPECT_EQ(asked.outcome().u0, 7u); }  // NOT_LEADER has its hint there
    }
}

TEST(ConsensusBridge, a_group_lives_from_a_good_open_to_a_good_close) {
  for (const test::Expected& way : test::kWays) {
    SCOPED_TRACE(static_cast<int>(way.how));
    ThereAndBack there;
    (void)there.closed();
    there.group.reset();
    EXPECT_EQ(there.plugin.notes.groups_alive, 0);
    there.plugin.notes.script.how = way.how;
    const Asked open = there.opened();
    there.plugin.notes.script.finish();
    EXPECT_EQ(open.code(), way.code);
    EXPECT_EQ(there.group != nullptr, way.code == ION_OK);
    EXPECT_EQ(there.plugin.notes.groups_alive, way.code == ION_OK ? 1 : 0);

    there.plugin.notes.script.how = How::kInline;
    if (there.group == nullptr) (void)there.opened();
    there.plugin.notes.script.how = way.how;
    const Asked close = there.closed();
    EXPECT_EQ(close.answers(), way.late ? 0 : 1);
    there.plugin.notes.script.finish();
    EXPECT_EQ(close.code(), way.code);
    EXPECT_EQ(there.plugin.notes.groups_alive, way.code == ION_OK ? 0 : 1);
  }
}

TEST(ConsensusBridge, the_spec_crosses_and_lives_until_the_open_completes) {
  ThereAndBack there;
  (void)there.closed();
  there.plugin.notes.script.how = How::kLate;
  (void)there.opened();
  there.plugin.notes.script.finish();
  EXPECT_EQ(there.plugin.notes.spec, "meta 3 1 1 a:1 storage");
}

TEST(ConsensusBridge, a_group_without_a_machine_is_refused_on_both_sides) {
  ThereAndBack there;
  std::unique_ptr<Group> none;
  Asked asked([&](Op& op) { return there.consensus.open(op, {}, &none); });
  EXPECT_EQ(asked.code(), ION_E_INVALID);
  ion_group_spec spec{};
  spec.size = sizeof spec;
  ion_group* out = nullptr;
  Asked raw([&](Op& op) { return op.passed(there.table.open(&there.plugin, &spec, &out, &op.raw(), &op.now())); });
  EXPECT_EQ(raw.message(), "a group needs a machine");
}

TEST(ConsensusBridge, stat_crosses_and_is_empty_when_the_other_side_cannot_tell) {
  ThereAndBack there;
  const GroupStat stat = there.group->stat();
  EXPECT_EQ(stat.role, ION_ROLE_LEADER);
  EXPECT_EQ(stat.term * 10000 + stat.leader * 1000 + stat.commit * 100 + stat.applied * 10 + stat.last, 21768u);
  there.plugin.notes.script.how = How::kThrow;
  EXPECT_EQ(there.group->stat().role, ION_ROLE_FOLLOWER);
  EXPECT_EQ(there.consensus.caps(), 4u);
}

TEST(ConsensusBridge, entries_reach_the_machine_in_order_and_in_any_number) {
  ThereAndBack there;
  for (const size_t n : {0, 1, 64, 65, 200}) {
    there.machine.heard.clear();
    std::vector<Entry> entries;
    for (size_t i = 0; i < n; ++i) entries.push_back({i, 2, span_of(std::string_view("put"))});
    there.plugin.notes.machine->apply(entries);
    ASSERT_EQ(there.machine.heard.size(), n);
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(there.machine.heard[i], std::to_string(i) + "/2 put");
  }
}

TEST(ConsensusBridge, role_and_members_reach_the_machine) {
  ThereAndBack there;
  there.plugin.notes.machine->role(ION_ROLE_LEADER, 4, {1});
  there.plugin.notes.machine->members(kItems);
  EXPECT_EQ(there.machine.heard, (Lines{"role 2 4 1", "member 2 b:1", "member 3 c:1"}));
}

TEST(ConsensusBridge, snapshot_and_restore_end_once_in_each_way_an_op_can_end) {
  for (const test::Expected& way : test::kWays) {
    SCOPED_TRACE(static_cast<int>(way.how));
    ThereAndBack there;
    there.machine.script.how = way.how;
    Asked snapshot([&](Op& op) { return there.plugin.notes.machine->snapshot(op, 9); });
    Asked restore([&](Op& op) { return there.plugin.notes.machine->restore(op, 9, 2, kParts); });
    EXPECT_EQ(snapshot.answers(), way.late ? 0 : 1);
    there.machine.script.finish();
    EXPECT_EQ(snapshot.code(), way.code);
    EXPECT_EQ(restore.code(), way.code);
    EXPECT_EQ(there.machine.heard, Lines{"restore create topic"});
    if (way.code == ION_OK) { EXPECT_EQ(snapshot.outcome().bufs.at(0).text(), "the state"); }
    snapshot.forget();
    EXPECT_EQ(there.machine.state.references(), 0);
  }
}

TEST(ConsensusBridge, a_shorter_table_answers_unsupported_and_names_the_member) {
  ThereAndBack there;
  const uint32_t full = there.table.size;
  there.table.size = offsetof(ion_consensus, open);
  for (const Case& each : kCases) {
    Asked asked([&](Op& op) { return each.ask(*there.group, op); });
    EXPECT_EQ(asked.message(), std::string("ion.consensus/1 has no member ") + each.member + " here");
  }
  EXPECT_EQ(there.group->stat().last, 0u);
  std::unique_ptr<Group> none;
  GroupSpec spec;
  spec.machine = &there.machine;
  Asked open([&](Op& op) { return there.consensus.open(op, spec, &none); });
  EXPECT_EQ(open.message(), "ion.consensus/1 has no member open here");
  there.table.size = full;

  ion_machine machine = export_machine(there.machine);
  machine.size = offsetof(ion_machine, role);
  ImportedMachine imported(&machine);
  imported.role(ION_ROLE_LEADER, 1, {1});
  imported.members(kItems);
  Asked snapshot([&](Op& op) { return imported.snapshot(op, 1); });
  EXPECT_EQ(snapshot.message(), "ion.consensus/1 ion_machine has no member snapshot here");
  EXPECT_TRUE(there.machine.heard.empty());
}

}  // namespace
}  // namespace ion
