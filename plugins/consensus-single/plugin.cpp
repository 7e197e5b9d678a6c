// consensus-single: ion.consensus/1 for a cluster of one node. Membership and transfer are refused: they need consensus-raft.
#include "io/single_group.h"
#include "single_config.h"

#include <ion/bridge/consensus_bridge.h>
#include <ion/bridge/host_bridge.h>
#include <ion/bridge/services_bridge.h>
#include <ion/bridge/storage_bridge.h>
#include <ion/plugin.h>

namespace ion::consensus_single {

namespace {
Status alone(std::string_view what) { return {ION_E_UNSUPPORTED, std::string(what) + ": consensus-single serves one node; load consensus-raft for more"}; }

class GroupHandle final : public Group {
 public:
  explicit GroupHandle(std::shared_ptr<SingleGroup> group) : group_(std::move(group)) {}
  Answer close(Op& op) override { return group_->close(op); }
  Answer propose(Op& op, std::span<const ion_buf> parts) override { return group_->propose(op, parts); }
  Answer read_barrier(Op& op) override { return op.ok(); }  // what is applied here is all that was ever decided
  Answer transfer(Op& op, NodeId) override { return op.refuse(alone("transfer")); }
  Answer change(Op& op, std::span<const ion_member>) override { return op.refuse(alone("change")); }
  Answer join(Op& op, std::span<const ion_bytes>) override { return op.refuse(alone("join")); }
  GroupStat stat() override { return group_->stat(); }

 private:
  const std::shared_ptr<SingleGroup> group_;
};
}  // namespace

class ConsensusSingle final : public Consensus {
 public:
  using Config = SingleConfig;
  ConsensusSingle(Host host, const SingleConfig& config, ion_ref executors, ion_ref timers)
      : clock_(host.raw()), logger_(host.raw()), executor_(executors), timers_(timers), config_(config) {}
  static Result<std::unique_ptr<ConsensusSingle>> create(Host host, const SingleConfig& config) {
    ION_TRY(const ion_ref executors, host.get(ION_EXECUTORS_ID));
    ION_TRY(const ion_ref timers, host.get(ION_TIMERS_ID));
    return std::make_unique<ConsensusSingle>(host, config, executors, timers);
  }
  Status start() { return {}; }
  Answer drain(Op& op) { return op.ok(); }  // groups are closed by who opened them
  const void* table(std::string_view id) { return id == ION_CONSENSUS_ID ? &export_consensus<ConsensusSingle> : nullptr; }
  Consensus& consensus() { return *this; }

  uint32_t caps() const override { return 0; }
  Answer open(Op& op, const GroupSpec& spec, std::unique_ptr<Group>* out) override {
    if (spec.bootstrap.size() > 1)
      return op.refuse(Status(ION_E_UNSUPPORTED, "group " + std::string(spec.name) + ": " + std::to_string(spec.bootstrap.size()) + " members wanted; consensus-single serves one node"));
    auto later = std::make_shared<Later>(op.later());  // shared: std::function copies
    SingleGroup::open({executor_, timers_, clock_, logger_, config_.proposals_max}, std::make_shared<ImportedStorage>(spec.storage), spec,
                      [later, out](Result<std::shared_ptr<SingleGroup>> opened) {
                        if (!opened) return later->fail(opened.error());
                        *out = std::make_unique<GroupHandle>(*std::move(opened));
                        later->ok();
                      });
    return op.pending();
  }

 private:
  ImportedClock clock_;
  ImportedLogger logger_;
  ImportedExecutor executor_;
  ImportedTimers timers_;
  const SingleConfig config_;
};

}  // namespace ion::consensus_single

ION_PLUGIN(ion::consensus_single::ConsensusSingle, "ion.consensus-single", "0.1.0", "ion.consensus/1", "ion.executors/1,ion.timers/1")
