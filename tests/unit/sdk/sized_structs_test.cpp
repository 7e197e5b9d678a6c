// Structs of an older or a later size across the contracts of plugins: nothing is read or written behind their `size`, in either direction.
#include <ion/bridge/consensus_bridge.h>
#include <ion/bridge/router_bridge.h>
#include <ion/bridge/transport_bridge.h>

#include "unit/sdk/fake_storage.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace ion {
namespace {

constexpr uint8_t kCanary = 0xa5;

// Memory of a T as a side knows it that was compiled with `size` bytes of it; behind it canaries.
template <class T>
class OfSize {
 public:
  OfSize(const T& full, size_t size) : bytes_(std::max(size, sizeof(T)) + 64, kCanary), size_(size) {
    std::memcpy(bytes_.data(), &full, std::min(size, sizeof(T)));
    get()->size = static_cast<uint32_t>(size);
  }
  T* get() { return reinterpret_cast<T*>(bytes_.data()); }
  bool is_whole() const { return std::all_of(bytes_.begin() + static_cast<std::ptrdiff_t>(size_), bytes_.end(), [](uint8_t b) { return b == kCanary; }); }

 private:
  std::vector<uint8_t> bytes_;
  const size_t size_;
};

struct RouterPlugin final : Router {
  uint64_t seed = 0;
  size_t brokers = 0, replicas = 0;
  std::string rack;
  Router& router() { return *this; }
  Result<PartitionId> partition(std::string_view, std::span<const uint8_t>, uint32_t) override { return PartitionId{0}; }
  Result<std::vector<NodeId>> place(const PlaceRequest& r) override {
    seed = r.seed, brokers = r.brokers.size();
    return std::vector<NodeId>(r.partitions * r.replication, NodeId{7});
  }
  Result<NodeId> replica(const ion_replica_req& r) override {
    replicas = r.nreplicas, rack = text_of(r.client_rack);
    return NodeId{r.replicas[0]};
  }
};

TEST(SizedStructs, a_placement_is_read_up_to_the_size_of_its_asker) {
  RouterPlugin plugin;
  const ion_router table = export_router<RouterPlugin>;
  const ion_place_broker broker{7, bytes_of("a"), 0};
  const ion_place_req full{sizeof full, 2, 1, 1, &broker, 99};
  for (const auto& [size, seed] : {std::pair{offsetof(ion_place_req, seed), uint64_t{0}}, std::pair{sizeof full, uint64_t{99}}, std::pair{sizeof full + 32, uint64_t{99}}}) {
    OfSize<ion_place_req> asked(full, size);
    uint64_t nodes[2] = {};
    EXPECT_EQ(table.place(&plugin, asked.get(), nodes, 2), ION_OK);
    EXPECT_EQ(plugin.seed, seed) << "size " << size;
    EXPECT_EQ(plugin.brokers, 1u);
    EXPECT_EQ(nodes[1], 7u);
    EXPECT_TRUE(asked.is_whole());
  }
}

TEST(SizedStructs, a_replica_is_asked_for_up_to_the_size_of_its_asker) {
  RouterPlugin plugin;
  const ion_router table = export_router<RouterPlugin>;
  const uint64_t replicas[] = {11, 12};
  const ion_bytes racks[] = {bytes_of("a"), bytes_of("b")};
  const ion_replica_req full{sizeof full, 2, replicas, racks, bytes_of("b")};
  for (const auto& [size, rack] : {std::pair{offsetof(ion_replica_req, client_rack), ""}, std::pair{sizeof full, "b"}, std::pair{sizeof full + 8, "b"}}) {
    OfSize<ion_replica_req> asked(full, size);
    uint64_t node = 0;
    EXPECT_EQ(table.replica(&plugin, asked.get(), &node), ION_OK);
    EXPECT_EQ(node, 11u);
    EXPECT_EQ(plugin.rack, rack) << "size " << size;
  }
}

struct OpenedLog {
  test::StoragePlugin plugin;
  const ion_storage table = export_storage<test::StoragePlugin>;
  ion_log* log = nullptr;

  void open(const ion_open_options* options) {
    test::Asked asked([&](Op& op) { return op.passed(table.open(&plugin, bytes_of("p/x/0"), options, &log, &op.raw(), &op.now())); });
    ASSERT_EQ(asked.code(), ION_OK);
  }
  ~OpenedLog() {
    if (log != nullptr) test::Asked([&](Op& op) { return op.passed(table.close(&plugin, log, &op.raw(), &op.now())); });
  }
};

TEST(SizedStructs, a_log_is_described_up_to_the_size_of_its_asker) {
  OpenedLog opened;
  const ion_open_options options{sizeof options, 0, 0, 0};
  opened.open(&options);
  for (const size_t size : {offsetof(ion_log_stat, sealed), sizeof(ion_log_stat), sizeof(ion_log_stat) + 24}) {
    OfSize<ion_log_stat> out({}, size);
    ASSERT_EQ(opened.table.stat(&opened.plugin, opened.log, out.get()), ION_OK);
    EXPECT_EQ(out.get()->size, size);
    EXPECT_EQ(out.get()->next, 9);
    EXPECT_EQ(out.get()->durable, 7);
    EXPECT_TRUE(out.is_whole()) << "size " << size;
    if (size >= sizeof(ion_log_stat)) {
      EXPECT_EQ(out.get()->bytes, 4096u);
    }
  }
}

TEST(SizedStructs, a_log_is_opened_and_configured_with_what_the_asker_knows) {
  const ion_open_options full{sizeof full, 0, 1 << 20, 77};
  for (const auto& [size, age] : {std::pair{offsetof(ion_open_options, segment_ns), int64_t{0}}, std::pair{sizeof full, int64_t{77}}, std::pair{sizeof full + 40, int64_t{77}}}) {
    OpenedLog opened;
    OfSize<ion_open_options> options(full, size);
    opened.open(options.get());
    EXPECT_EQ(opened.plugin.notes.options.segment_bytes, uint64_t{1} << 20);
    EXPECT_EQ(opened.plugin.notes.options.segment_age.n, age) << "size " << size;
    ASSERT_EQ(opened.table.configure(&opened.plugin, opened.log, options.get()), ION_OK);
    ASSERT_TRUE(opened.plugin.notes.reconfigured);
    EXPECT_EQ(opened.plugin.notes.reconfigured->segment_age.n, age);
  }
}

// The group that it opens answers at once, and remembers what it was opened with.
struct ConsensusPlugin final : Consensus {
  struct OpenedGroup final : Group {
    Answer close(Op& op) override { return op.ok(); }
    Answer propose(Op& op, std::span<const ion_buf>) override { return op.ok(); }
    Answer read_barrier(Op& op) override { return op.ok(); }
    Answer join(Op& op, std::span<const ion_bytes>) override { return op.ok(); }
    Answer change(Op& op, std::span<const ion_member>) override { return op.ok(); }
    Answer transfer(Op& op, NodeId) override { return op.ok(); }
    GroupStat stat() override { return {ION_ROLE_LEADER, 2, 1, 7, 6, 8}; }
  };
  GroupSpec spec;
  Consensus& consensus() { return *this; }
  uint32_t caps() const override { return 0; }
  Answer open(Op& op, const GroupSpec& with, std::unique_ptr<Group>* out) override {
    spec = with;
    *out = std::make_unique<OpenedGroup>();
    return op.ok();
  }
};

// The callbacks of a kernel that knows no more of ion_machine than `role`.
struct OldMachine {
  uint64_t applied = 0, term = 0;
  ion_machine table{offsetof(ion_machine, members), 0, this, &apply, &role, nullptr, nullptr, nullptr};
  static void apply(void* self, const ion_entry* entries, uint32_t n) noexcept { static_cast<OldMachine*>(self)->applied = entries[n - 1].index; }
  static void role(void* self, uint32_t, uint64_t term, uint64_t) noexcept { static_cast<OldMachine*>(self)->term = term; }
};

struct OpenedGroups {
  ConsensusPlugin plugin;
  const ion_consensus table = export_consensus<ConsensusPlugin>;
  OldMachine machine;
  ion_group* group = nullptr;

  ion_status open(const ion_group_spec* spec) {
    test::Asked asked([&](Op& op) { return op.passed(table.open(&plugin, spec, &group, &op.raw(), &op.now())); });
    return asked.code();
  }
  ~OpenedGroups() {
    if (group != nullptr) test::Asked([&](Op& op) { return op.passed(table.close(&plugin, group, &op.raw(), &op.now())); });
  }
};

TEST(SizedStructs, a_group_is_opened_with_what_the_asker_knows_and_its_machine_is_called_no_further_than_it_reaches) {
  for (const size_t size : {offsetof(ion_group_spec, machine), sizeof(ion_group_spec), sizeof(ion_group_spec) + 32}) {
    OpenedGroups opened;
    OfSize<ion_machine> machine(opened.machine.table, offsetof(ion_machine, members));
    const ion_group_spec full{sizeof full, 3, bytes_of("g"), 11, nullptr, 0, 0, {}, machine.get()};
    OfSize<ion_group_spec> spec(full, size);
    const bool whole = size >= sizeof full;
    ASSERT_EQ(opened.open(spec.get()), whole ? ION_OK : ION_E_INVALID) << "without a machine there is no group; size " << size;
    EXPECT_TRUE(spec.is_whole());
    if (!whole) continue;
    EXPECT_EQ(opened.plugin.spec.name, "g");
    EXPECT_EQ(opened.plugin.spec.node.v, 11u);
    Machine& called = *opened.plugin.spec.machine;
    const Entry entry{5, 2, {}};
    called.apply({&entry, 1});
    called.role(ION_ROLE_LEADER, 2, {11});
    called.members({});
    test::Asked snapshot([&](Op& op) { return called.snapshot(op, 5); });
    EXPECT_EQ(snapshot.code(), ION_E_UNSUPPORTED);
    EXPECT_EQ(opened.machine.applied, 5u);
    EXPECT_EQ(opened.machine.term, 2u);
    EXPECT_TRUE(machine.is_whole());
  }
}

TEST(SizedStructs, a_group_is_described_up_to_the_size_of_its_asker) {
  OpenedGroups opened;
  const ion_group_spec spec{sizeof spec, 0, bytes_of("g"), 11, nullptr, 0, 0, {}, &opened.machine.table};
  ASSERT_EQ(opened.open(&spec), ION_OK);
  for (const size_t size : {offsetof(ion_group_stat, applied), sizeof(ion_group_stat), sizeof(ion_group_stat) + 24}) {
    OfSize<ion_group_stat> out({}, size);
    ASSERT_EQ(opened.table.stat(&opened.plugin, opened.group, out.get()), ION_OK);
    EXPECT_EQ(out.get()->size, size);
    EXPECT_EQ(out.get()->commit, 7u);
    EXPECT_TRUE(out.is_whole()) << "size " << size;
    if (size >= sizeof(ion_group_stat)) {
      EXPECT_EQ(out.get()->last, 8u);
    }
  }
}

struct TransportPlugin final : Transport {
  bool throws = false;
  Transport& transport() { return *this; }
  Result<std::unique_ptr<Listener>> listen(std::string_view) override {
    if (throws) throw std::runtime_error("the port is taken");
    return Status(ION_E_BUSY, "the port is taken");
  }
};

TEST(SizedStructs, words_of_a_failure_are_cut_to_the_memory_of_the_asker) {
  TransportPlugin plugin;
  const ion_transport table = export_transport<TransportPlugin>;
  for (const bool throws : {false, true}) {
    plugin.throws = throws;
    for (const auto& [bytes, words] : {std::pair{size_t{0}, ""}, std::pair{size_t{9}, "the port"}, std::pair{sizeof(ion_err::msg), "the port is taken"},
                                       std::pair{sizeof(ion_err::msg) + 40, "the port is taken"}}) {
      const size_t size = offsetof(ion_err, msg) + bytes;
      OfSize<ion_err> err({}, size);
      ion_listener* listener = nullptr;
      const ion_status code = table.listen(&plugin, bytes_of(""), &listener, err.get());
      EXPECT_EQ(code, throws ? ION_E_EXCEPTION : ION_E_BUSY);
      EXPECT_EQ(err.get()->code, code);
      EXPECT_TRUE(err.is_whole()) << bytes << " bytes for words, thrown " << throws;
      if (bytes > 0) {
        EXPECT_STREQ(err.get()->msg, words);
      }
      EXPECT_EQ(Status::from(code, err.get()).message(), bytes > 0 ? std::string(words) : std::string(code_name(code)));
    }
  }
}

TEST(SizedStructs, words_of_a_failed_op_are_cut_to_the_memory_of_the_asker) {
  for (const size_t bytes : {size_t{0}, size_t{9}, sizeof(ion_err::msg)}) {
    OfSize<ion_err> err({}, offsetof(ion_err, msg) + bytes);
    ion_result now{sizeof now, ION_OK, 0, 0, 0, 0, nullptr, err.get()};
    const ion_op op{sizeof op, 0, 0, 0, [](void*, const ion_result*) noexcept {}, nullptr, 0, 0, 0};
    OpenedGroups opened;
    EXPECT_EQ(opened.table.open(&opened.plugin, nullptr, &opened.group, &op, &now), ION_E_INVALID);
    EXPECT_TRUE(err.is_whole()) << bytes;
    if (bytes > 0) {
      EXPECT_EQ(std::string_view(err.get()->msg), std::string_view("a group needs a machine").substr(0, bytes - 1));
    }
  }
}

}  // namespace
}  // namespace ion
