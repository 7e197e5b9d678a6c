// Fetched batches on their way to a reader: each passes the interceptors of the hook FETCH. A batch that nobody edited goes out as
// it lies in the log, uncopied; one that lost records keeps its offsets, so that the reader goes on behind it. A compressed one is opened
// only for an interceptor that needs records, on the blocking pool, which then asks the interceptors about it. Thread: ANY.
#pragma once
#include "pipeline/admission.h"
#include "pipeline/batch_codecs.h"
#include "pipeline/interceptor_chain.h"

#include <ion/limited_jobs.h>
#include <ion/op.h>

namespace ion::pipeline {

// All of them outlive the filtering.
struct FilterServices {
  InterceptorChain& chain;
  BatchCodecs& codecs;
  Admission& admission;
  LimitedJobs& opening;
};

// `about` names the request (topic, partition, caller). Completes `later` once, with the same offsets and other bytes, or with
// those in front of a batch that was rejected; CORRUPT
// where the bytes are no whole batches, what a rejecting interceptor said, and
// OVERLOADED where `admission` has no room for a batch that must be opened, or `opening` no thread.
void filter_fetched(const FilterServices& services, BatchInFlight about, const ion_result& fetched, Later later);

}  // namespace ion::pipeline
