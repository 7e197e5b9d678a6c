// Hands out producer ids from blocks that the metadata log reserved: an id is given once in the life of the cluster, also across
// crashes (the rest of a block is lost). Thread: ANY; one short lock, never per batch.
#pragma once
#include "cluster/controller.h"

#include <functional>
#include <mutex>
#include <vector>

namespace ion::pipeline {

class ProducerIds {
 public:
  using Done = std::function<void(Result<int64_t>)>;
  explicit ProducerIds(cluster::Controller& controller) : controller_(controller) {}
  void next(Done done);

 private:
  void reserved(Result<int64_t> first);
  cluster::Controller& controller_;
  std::mutex mutex_;
  int64_t next_ = 0, end_ = 0;
  bool asking_ = false;
  std::vector<Done> waiting_;  // bounded by kWaitingMax
};

}  // namespace ion::pipeline
