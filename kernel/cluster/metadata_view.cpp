#include "cluster/metadata_view.h"

namespace ion::cluster {

Status ServedPartition::why() const {
  if (slot_->ready.load(std::memory_order_acquire)) return {};
  const auto failed = slot_->failed.load(std::memory_order_acquire);
  if (failed == nullptr) return {ION_E_CLOSED, "the partition is being opened", "NOT_READY"};
  // These say themselves whether it is worth asking again.
  if (failed->code() == ION_E_NO_SPACE || failed->code() == ION_E_OVERLOADED) return *failed;
  if (failed->code() == ION_E_CORRUPT || failed->code() == ION_E_UNSUPPORTED) return *failed;
  return {ION_E_CLOSED, failed->message() + "; it is tried again", "NOT_READY"};
}

Code ServedPartition::health() const {
  if (slot_->ready.load(std::memory_order_acquire)) return ION_OK;
  const auto failed = slot_->failed.load(std::memory_order_acquire);
  return failed == nullptr ? ION_E_CLOSED : failed->code();
}

void ServedPartition::serve(partition::PartitionPtr partition) {
  slot_->partition = std::move(partition);
  slot_->ready.store(true, std::memory_order_release);
  slot_->failed.store(nullptr, std::memory_order_release);
}

void ServedPartition::refuse(Status why) { slot_->failed.store(std::make_shared<const Status>(std::move(why)), std::memory_order_release); }

void MetadataView::publish(std::vector<TopicEntryPtr> entries) {
  auto next = std::make_shared<Topics>(*current());
  for (TopicEntryPtr& entry : entries) (*next)[entry->record->name] = std::move(entry);
  topics_.store(std::move(next), std::memory_order_release);
}

TopicEntryPtr MetadataView::erase(std::string_view name, const Uuid& uuid) {
  auto next = std::make_shared<Topics>(*current());
  const auto found = next->find(name);
  if (found == next->end() || found->second->record->uuid != uuid) return nullptr;
  TopicEntryPtr gone = found->second;
  next->erase(found);
  topics_.store(std::move(next), std::memory_order_release);
  return gone;
}

MetadataView::Topics MetadataView::erase_all() {
  const auto old = current();
  topics_.store(std::make_shared<const Topics>(), std::memory_order_release);
  return *old;
}

}  // namespace ion::cluster
