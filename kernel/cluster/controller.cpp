#include "cluster/controller.h"

#include <fmt/format.h>
#include <ion/continuation.h>

#include <algorithm>
#include <utility>

namespace ion::cluster {

void Controller::on_shard(std::function<void()> work, std::function<void(Status)> refused) {
  const Status given = post(world_.executor, world_.shard, [work = std::move(work)] {
    RoleScope scope(shard_role);
    work();
  });
  if (!given.ok()) refused(given);
}

void Controller::open(Consensus& consensus, ion_ref storage, std::function<void(Status)> done) {
  const ion_member me{world_.node.v, {}, ION_ROLE_LEADER, ION_CHANGE_NONE};
  GroupSpec spec;
  spec.name = "metadata";
  spec.shard = world_.shard;
  spec.node = world_.node;
  spec.bootstrap = std::span<const ion_member>(&me, 1);
  spec.storage = storage;
  spec.machine = this;
  call([&](Op& op) { return consensus.open(op, spec, &group_); },
       [this, done = std::move(done)](const ion_result& r) {
         Status opened = Status::from(r.status, r.err);
         on_shard(
             [this, done, opened] {
               replayed_ = opened.ok();
               done(opened);
             },
             done);
       });
}

void Controller::close(std::function<void(Status)> done) {
  closed_.store(true, std::memory_order_release);
  if (group_ == nullptr) return done({});
  call([&](Op& op) { return group_->close(op); }, [done = std::move(done)](const ion_result& r) { done(Status::from(r.status, r.err)); });
}

void Controller::create_topic(NewTopic topic, TopicDone done) {
  on_shard(
      [this, topic = std::move(topic), done] {
        Result<Command> command = plan(topic);
        if (!command) return done(std::move(command).error());
        if (topic.dry_run) return done(std::make_shared<const TopicRecord>(std::get<CreateTopic>(*command).topic));
        propose(*command, [done](Result<Applied> applied) {
          if (!applied) return done(std::move(applied).error());
          done(applied->created != nullptr ? std::move(applied->created) : std::move(applied->repeated));
        });
      },
      [done](Status s) { done(std::move(s)); });
}

namespace {
bool lets_records_go(const Command& command) {
  const auto* const alter = std::get_if<AlterTopic>(&command);
  if (alter == nullptr) return false;
  const auto changes = [alter](const char* key) { return alter->set.contains(key) || std::ranges::find(alter->unset, key) != alter->unset.end(); };
  return changes("retention.ms") || changes("retention.bytes") || changes("cleanup.policy");
}
}  // namespace

void Controller::alter_topic(TopicChange change, TopicDone done) {
  on_shard(
      [this, change = std::move(change), done] {
        const Result<Command> command = plan_change(change);
        if (!command) return done(command.error());
        if (change.dry_run) {
          MetadataMachine as_if = machine_;  // records are shared, not copied
          Result<Applied> applied = as_if.apply(*command);
          return applied ? done(std::move(applied->altered)) : done(std::move(applied).error());
        }
        const AppliedDone answer = [done](Result<Applied> applied) {
          if (!applied) return done(std::move(applied).error());
          done(std::move(applied->altered));
        };
        if (lets_records_go(*command)) propose_making_space(*command, answer);
        else propose(*command, answer);
      },
      [done](Status s) { done(std::move(s)); });
}

void Controller::delete_topic(std::string name, TopicDone done) {
  on_shard(
      [this, name = std::move(name), done] {
        const auto found = machine_.topics().find(name);
        if (found == machine_.topics().end()) return done(Status(ION_E_NOT_FOUND, "topic '" + name + "' is not there", "TOPIC_NOT_FOUND"));
        const DeleteTopic command{name, found->second->uuid};
        propose_making_space(command, [done](Result<Applied> applied) {
          if (!applied) return done(std::move(applied).error());
          done(std::move(applied->deleted));
        });
      },
      [done](Status s) { done(std::move(s)); });
}

void Controller::forget_tombstone(Uuid uuid) {
  // A refusal is harmless: the tombstone is found again at the next start.
  on_shard([this, uuid] { propose(ForgetTombstone{uuid}, [](Result<Applied>) {}); }, [](Status) {});
}

void Controller::reserve_producers(uint32_t count, ProducersDone done) {
  on_shard(
      [this, count, done] {
        propose(ReserveProducers{count}, [done](Result<Applied> applied) {
          if (!applied) return done(std::move(applied).error());
          done(applied->first_producer);
        });
      },
      [done](Status s) { done(std::move(s)); });
}

void Controller::inspect(std::function<void(const MetadataMachine&)> look) {
  on_shard([this, look] { look(machine_); }, [](Status) {});
}

void Controller::propose(const Command& command, AppliedDone done) {
  if (!unreadable_.ok()) return done(unreadable_);
  if (closed_.load(std::memory_order_acquire)) return done(Status(ION_E_CLOSED, "the metadata log is closing", "DRAINING"));
  if (group_ == nullptr || !replayed_) return done(Status(ION_E_CLOSED, "the metadata log is not open", "STARTING"));
  if (proposals_ >= kProposalsInFlightMax) return done(Status(ION_E_OVERLOADED, "too many metadata changes at once", "QUEUE_FULL"));
  ++proposals_;
  struct Proposal {
    std::vector<uint8_t> bytes;
    ion_buf part{};
  };
  auto proposal = std::make_shared<Proposal>(Proposal{encode(command), {}});  // borrowed by the op until its completion
  proposal->part = borrowed(proposal->bytes);
  call([&](Op& op) { return group_->propose(op, std::span<const ion_buf>(&proposal->part, 1)); },
       [this, proposal, done = std::move(done)](const ion_result& r) {
         // The change has happened or not: a full queue must not make it look otherwise.
         const Status given = go_on_at({world_.executor, world_.timers, world_.clock}, world_.shard, Hop::kPost,
                                       [this, done, entry = EntryId{r.u0, r.u1}, status = Status::from(r.status, r.err)] {
                                         RoleScope scope(shard_role);
                                         proposed(entry, status, done);
                                       });
         if (!given.ok()) done(Status(ION_E_UNKNOWN_OUTCOME, given.message()));
       });
}

// Of a change that gives space back, or lets retention do so.
void Controller::propose_making_space(const Command& command, AppliedDone done) {
  propose(command, [this, command, done = std::move(done)](Result<Applied> applied) {
    if (applied || applied.error().code() != ION_E_NO_SPACE || world_.reserve == nullptr) return done(std::move(applied));
    propose_from_reserve(command, done);
  });
}

void Controller::propose_from_reserve(const Command& command, AppliedDone done) {
  world_.reserve->lend([this, command, done = std::move(done)] {
    const AppliedDone answered = [this, done](Result<Applied> applied) {
      world_.reserve->put_back();
      done(std::move(applied));
    };
    on_shard([this, command, answered] { propose(command, answered); }, [answered](Status s) { answered(std::move(s)); });
  });
}

void Controller::proposed(EntryId entry, const Status& status, const AppliedDone& done) {
  --proposals_;
  auto found = outcomes_.extract(entry);
  if (proposals_ == 0) outcomes_.clear();  // of proposals that were answered before their entries were applied
  if (status.ok()) world_.space.taken();
  else if (status.code() == ION_E_NO_SPACE) world_.space.refused("the metadata log", status);
  else if (status.code() == ION_E_FAILED || status.code() == ION_E_UNKNOWN_OUTCOME) world_.health.raise("metadata", "topics cannot be changed until a restart: " + status.message());
  if (!status.ok()) return done(status);
  done(found ? std::move(found.mapped()) : Result<Applied>(Status(ION_E_UNKNOWN_OUTCOME, fmt::format("metadata entry {} of term {} was committed and is not applied here", entry.index, entry.term))));
}

void Controller::apply(std::span<const Entry> entries) {
  for (const Entry& e : entries) {
    const Result<Command> command = decode(e.command);
    Result<Applied> applied = command ? machine_.apply(*command) : Result<Applied>(command.error());
    if (!command) pass_over(e, command.error());
    if (!replayed_) continue;
    if (applied && applied->created) observer_.topic_created(applied->created);
    if (applied && applied->altered) observer_.topic_altered(applied->altered);
    if (applied && applied->deleted) observer_.topic_deleted(applied->deleted);
    if (e.term == leading_term_ && proposals_ > 0) outcomes_.emplace(EntryId{e.index, e.term}, std::move(applied));
  }
}

// What is in the catalogue stays served. A kind that is unknown may be passed over; behind anything else this node could give ids
// twice, so it changes nothing any more.
void Controller::pass_over(const Entry& entry, const Status& why) {
  machine_.skipped(entry.index);
  const Status told(why.code(), fmt::format("metadata entry {}: {}", entry.index, why.message()), why.reason());
  const bool harmless = why.reason() == kUnknownKind;
  if (!harmless && unreadable_.ok()) unreadable_ = told;
  if (machine_.skipped() == 1 || !harmless) world_.logger.error("a metadata entry cannot be applied by this version and is passed over", {{"index", std::to_string(entry.index)}, {"why", why.message()}});
  world_.health.raise("metadata", fmt::format("{} entries of the metadata log, the first one {}, cannot be applied by this version{}: {}", machine_.skipped(),
                                              machine_.first_skipped(), unreadable_.ok() ? "" : " and topic changes are refused", why.message()));
}

void Controller::role(ion_role role, uint64_t term, NodeId leader) {
  leading_term_ = role == ION_ROLE_LEADER ? term : 0;
  world_.logger.info("metadata role", {{"role", role == ION_ROLE_LEADER ? "leader" : "follower"}, {"term", std::to_string(term)}, {"leader", std::to_string(leader.v)}});
}

// Also the reason why entries that were passed over cannot be lost: the log is never shortened.
Answer Controller::snapshot(Op& op, uint64_t) { return op.refuse(Status(ION_E_UNSUPPORTED, "the metadata machine takes no snapshots yet")); }
Answer Controller::restore(Op& op, uint64_t, uint64_t, std::span<const ion_buf>) {
  return op.refuse(Status(ION_E_UNSUPPORTED, "the metadata machine takes no snapshots yet"));
}

}  // namespace ion::cluster
