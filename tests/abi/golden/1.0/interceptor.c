/* An interceptor of ABI 1.0 in C: values above 1 KiB are rejected, a value "drop" is dropped, one "upper" replaced. */
#include "plugin.h"

#include <ion/abi/contract/interceptor.h>

static int is(ion_bytes have, const char* text) { return have.n == strlen(text) && memcmp(have.p, text, have.n) == 0; }

static int32_t on(void* self, uint32_t hook, ion_msg* m, const ion_msg_api* api) {
  (void)self, (void)hook;
  for (uint32_t i = 0, n = api->count(m); i < n; ++i) {
    ion_record r = {sizeof(ion_record), 0, 0, 0, {NULL, 0}, {NULL, 0}, NULL};
    if (api->record(m, i, &r) != ION_OK) continue;
    if (r.value.n > 1024) {
      static const char why[] = "a value above 1024 bytes";
      const ion_bytes text = {(const uint8_t*)why, sizeof why - 1};
      api->reason(m, ION_E_REJECTED, text);
      return ION_V_REJECT;
    }
    if (r.value.p != NULL && is(r.value, "drop")) api->edit(m, i, NULL);
    if (r.value.p != NULL && is(r.value, "upper")) {
      r.value.p = (const uint8_t*)"UPPER", r.value.n = 5;
      api->edit(m, i, &r);
    }
  }
  return ION_V_CONTINUE;
}
static const ion_interceptor interceptor = {sizeof(ion_interceptor), ION_HOOK_PRODUCE, ION_NEED_RECORDS, ION_INTERCEPTOR_REENTRANT, on};

GOLDEN_PLUGIN("ion.test.golden-interceptor", ION_INTERCEPTOR_ID, interceptor)
