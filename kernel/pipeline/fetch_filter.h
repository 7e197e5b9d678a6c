// Fetched batches on their way to a reader: each passes the interceptors of the hook FETCH. A batch that nobody edited goes out as
// it lies in the log, uncopied, and a compressed one is opened only for an interceptor that needs records; one that lost records keeps its offsets, so that the reader goes on behind it. Thread: ANY.
#pragma once
#include "pipeline/admission.h"
#include "pipeline/batch_codecs.h"
#include "pipeline/interceptor_chain.h"

#include <ion/op.h>

namespace ion::pipeline {

// `about` names the request (topic, partition, caller). Completes `later` once, with the same offsets and other bytes, or with
// those in front of a batch that was rejected; CORRUPT
// where the bytes are no whole batches, what a rejecting interceptor said, and
// OVERLOADED where `admission` has no room for a batch that must be opened.
void filter_fetched(InterceptorChain& chain, BatchCodecs& codecs, Admission& admission, BatchInFlight about, const ion_result& fetched, Later later);

}  // namespace ion::pipeline
