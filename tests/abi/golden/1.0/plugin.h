/* What the plugins of this folder share: notes and descriptor, as a plugin in C writes them. Includes only the headers beside it. */
#ifndef ION_TEST_GOLDEN_PLUGIN_H
#define ION_TEST_GOLDEN_PLUGIN_H
#include <ion/abi/entry.h>

#include <string.h>

#define GOLDEN_SCHEMA "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{}}"
#define GOLDEN_NOTE(variable, in_section, number, text)                                                                \
  static const struct { uint32_t name_bytes, desc_bytes, type; char name[4]; char desc[(sizeof(text) + 2) / 4 * 4]; } \
  variable __attribute__((section(in_section ",\"a\",@note#"), used, aligned(4))) = {4, sizeof(text) - 1, number, "ion", text}

/* A plugin without state of its own. */
static ion_status golden_create(const ion_host* host, ion_bytes config, void** self, ion_err* err) {
  (void)config, (void)err;
  *self = (void*)host; /* as many different ones as there are hosts */
  return ION_OK;
}
static ion_status golden_start(void* self, ion_err* err) { return (void)self, (void)err, ION_OK; }
static ion_status golden_drain(void* self, const ion_op* op, ion_result* now) {
  (void)self, (void)op;
  now->status = ION_OK, now->u0 = now->u1 = 0, now->nbufs = 0;
  return ION_OK;
}
static void golden_destroy(void* self) { (void)self; }

#define GOLDEN_PLUGIN(plugin_id, contract, table)                                                                                   \
  GOLDEN_NOTE(golden_abi_note, ION_NOTE_ABI_SECTION, ION_NOTE_TYPE_ABI, "abi=1.0;min=0;id=" plugin_id ";version=1.0.0;provides=" contract ";needs="); \
  GOLDEN_NOTE(golden_schema_note, ION_NOTE_SCHEMA_SECTION, ION_NOTE_TYPE_SCHEMA, GOLDEN_SCHEMA);                                    \
  static const void* golden_table(void* self, const char* id) { return (void)self, strcmp(id, contract) == 0 ? &table : NULL; }    \
  static const char* const golden_provides[] = {contract};                                                                          \
  static const char* const golden_needs[] = {NULL};                                                                                 \
  static const ion_plugin golden_descriptor = {sizeof(ion_plugin), 1, 0, 0, 0, 0, 1, 0, plugin_id, "1.0.0", "golden", GOLDEN_SCHEMA, \
                                               golden_provides, golden_needs, golden_create, golden_table, golden_start, NULL,       \
                                               golden_drain, golden_destroy};                                                       \
  __attribute__((visibility("default"))) const ion_plugin* ion_plugin_entry_v1(const ion_probe* probe) {                            \
    return probe->abi_major == 1 ? &golden_descriptor : NULL;                                                                       \
  }

#endif
