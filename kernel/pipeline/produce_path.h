// A produced batch: admission, proof of the bytes, interceptors, partition. One completion, nothing walks back.
// Thread: ANY. Outlived by the corridor.
#pragma once
#include "pipeline/corridor.h"

#include <ion/contract/front_door.h>

namespace ion::pipeline {

class ProducePath {
 public:
  explicit ProducePath(const Corridor& corridor) : corridor_(corridor) {}
  Answer produce(Op& op, const ion_produce_req& r, ion_produce_answer& a);

 private:
  struct Routed;
  Answer straight(Op& op, const partition::PartitionPtr& to, const batch::Header& h, const ion_produce_req& r, ion_produce_answer& a, Admitted admitted);
  Answer intercepted(Op& op, const partition::PartitionPtr& to, const batch::Header& h, const ion_produce_req& r, ion_produce_answer& a, Admitted admitted);
  void after_walk(const std::shared_ptr<Routed>& routed, Passage passage);

  const Corridor& corridor_;
};

}  // namespace ion::pipeline
