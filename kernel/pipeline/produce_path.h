// A produced batch: admission, proof of every record, interceptors, partition. One completion.
// Thread: ANY. Outlived by the pipeline.
#pragma once
#include "pipeline/pipeline_services.h"

#include <ion/contract/broker_api.h>

namespace ion::pipeline {

class ProducePath {
 public:
  explicit ProducePath(const PipelineServices& pipeline) : services_(pipeline) {}
  Answer produce(Op& op, const ion_produce_req& r, ion_produce_answer& a);

 private:
  struct Intercepted;
  struct To {
    cluster::TopicEntryPtr topic;
    partition::PartitionPtr partition;
  };
  using InterceptedPtr = std::shared_ptr<Intercepted>;  // shared with an interceptor that answered PENDING
  // Size, checksum and every record of the batch, and what its topic asks. A compressed one is opened for it; `opened` keeps that for interceptors that look at records.
  Result<batch::Header> prove(const ion_produce_req& r, const To& to, Admitted& admitted, Buf& opened) const;
  // What the topic asks of records: keys where it is compacted, times.
  Status judge_records(const ion_produce_req& r, const To& to, std::span<const ion_buf> plain) const;
  // What an interceptor made or routed, if its partition wants every record to have a key.
  Status check_keys(Intercepted& in, const partition::Partition& to) const;
  Answer straight(Op& op, const partition::PartitionPtr& to, const batch::Header& h, const ion_produce_req& r, ion_produce_answer& a, Admitted admitted);
  Answer intercepted(Op& op, const To& to, const batch::Header& h, Buf opened, const ion_produce_req& r, ion_produce_answer& a,
                     Admitted admitted);
  void after_interceptors(const InterceptedPtr& in, ChainResult result);
  Status take_edited(Intercepted& in) const;
  void store(const InterceptedPtr& in);
  void route(const InterceptedPtr& in);

  const PipelineServices& services_;
};

}  // namespace ion::pipeline
