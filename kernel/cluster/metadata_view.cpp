#include "cluster/metadata_view.h"

namespace ion::cluster {

void MetadataView::publish(TopicEntryPtr entry) {
  auto next = std::make_shared<Topics>(*current());
  (*next)[entry->record->name] = std::move(entry);
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
