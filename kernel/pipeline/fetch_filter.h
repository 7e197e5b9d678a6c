// Fetched batches on their way to a reader: each passes the interceptors of the hook FETCH. A batch that nobody edited goes out as
// it lies in the log, uncopied, and a compressed one is opened only for an interceptor that needs records; one that lost records keeps its offsets, so that the reader goes on behind it. Thread: ANY.
#pragma once
#include "pipeline/batch_codecs.h"
#include "pipeline/interceptor_chain.h"

#include <ion/op.h>

namespace ion::pipeline {

// `about` names the request (topic, partition, caller). Completes `later` once, with the same offsets and other bytes; CORRUPT
// where the bytes are no whole batches, and what a rejecting interceptor said.
void filter_fetched(InterceptorChain& chain, BatchCodecs& codecs, BatchInFlight about, const ion_result& fetched, Later later);

}  // namespace ion::pipeline
