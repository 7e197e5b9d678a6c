// Tells of topics that came, changed and went, behind who has to act on it. Thread: that of the metadata group, in log order.
#pragma once
#include "cluster/controller.h"
#include "observe/kernel_events.h"

#include <utility>

namespace ion::cluster {

class TopicEvents final : public ControllerObserver {
 public:
  // Both outlive it.
  TopicEvents(ControllerObserver& first, observe::KernelEvents& events) : first_(first), events_(events) {}
  void topic_created(TopicPtr topic) override { first_.topic_created(topic), publish(observe::KernelEventKind::kTopicCreated, topic); }
  void topic_altered(TopicPtr topic) override { first_.topic_altered(topic), publish(observe::KernelEventKind::kTopicAltered, topic); }
  void topic_deleted(TopicPtr topic) override { first_.topic_deleted(topic), publish(observe::KernelEventKind::kTopicDeleted, topic); }

 private:
  void publish(observe::KernelEventKind kind, const TopicPtr& topic) {
    events_.publish({kind, topic->name, topic->uuid, static_cast<uint32_t>(topic->partitions.size()), {}});
  }
  ControllerObserver& first_;
  observe::KernelEvents& events_;
};

}  // namespace ion::cluster
