/* ion.metrics/1: numbers for operators. Metrics are declared before serving (`create`, `start`), then the list is frozen; a series
 * is a metric with one set of labels. Handles live as long as the host. */
#ifndef ION_ABI_HOST_METRICS_H
#define ION_ABI_HOST_METRICS_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_METRICS_ID "ion.metrics/1"
typedef struct ion_metric ion_metric;
typedef struct ion_series ion_series;
typedef enum ion_metric_kind { ION_COUNTER = 1, ION_GAUGE = 2, ION_HISTOGRAM = 3 } ion_metric_kind;
/* One series at one moment; all of it lives for the call that brings it. */
typedef struct ion_sample {
  uint32_t size, kind;
  ion_bytes name, unit, help;
  const ion_field* labels;
  uint32_t nlabels, nbuckets;
  int64_t value, sum;              /* counter or gauge; for a histogram count and sum */
  const int64_t* bucket_upto;      /* histogram: inclusive upper bounds, ascending */
  const int64_t* bucket_count;     /* histogram: not cumulative */
} ion_sample;
typedef void (*ion_sample_fn)(void* ctx, const ion_sample* s) ION_NOEXCEPT;
typedef struct ion_metrics {
  uint32_t size, flags;
  /* kind: an ion_metric_kind. name: ionstream_<area>_<what>_<unit>, counters end in _total; times are recorded in ns and named _seconds. unit and help may not be empty. INVALID (name, unit,
   * help), CONFLICT (another declaration has that name), CLOSED (serving already), OVERLOADED. The same one again answers it. */
  ION_FN(CONTROL, declare, uint32_t kind, ion_bytes name, ion_bytes unit, ion_bytes help, uint32_t series_max, ion_metric** out);
  ION_FN(CONTROL, series, ion_metric* m, const ion_field* labels, uint32_t n, ion_series** out); /* OVERLOADED above series_max */
  ION_FN(CONTROL, snapshot, ion_sample_fn each, void* ctx); /* every series of the broker; `each` may not call back */
  ION_RET(ANY, void, record, ion_series* s, int64_t value); /* counter: add; gauge: set; histogram: observe; never blocks */
} ion_metrics;

ION_EXTERN_C_END
#endif
