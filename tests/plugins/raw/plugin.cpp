// Written against the C headers alone, note and descriptor by hand. Each target is wrong in the way that its RAW_ definitions say.
#include <ion/plugin.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#ifndef RAW_ABI
#define RAW_ABI "1.0"
#endif
#ifndef RAW_MIN
#define RAW_MIN 0
#endif
#ifndef RAW_PROVIDES
#define RAW_PROVIDES ""
#endif
#ifndef RAW_NEEDS
#define RAW_NEEDS ""
#endif
#ifndef RAW_DESCRIPTOR_VERSION
#define RAW_DESCRIPTOR_VERSION "0.1.0"
#endif

namespace {

constexpr char kWords[] =
    "abi=" RAW_ABI ";min=" ION_TEXT(RAW_MIN) ";id=ion.test.raw;version=0.1.0;provides=" RAW_PROVIDES ";needs=" RAW_NEEDS;
ION_NOTE_IN(ION_NOTE_ABI_SECTION) constexpr ion::detail::Note<ION_NOTE_TYPE_ABI, sizeof(kWords) - 1> kNote{kWords};
constexpr auto kProvidesText = ion::detail::zero_ended(RAW_PROVIDES);
constexpr auto kProvides = ion::detail::name_starts<ion::detail::count_names(RAW_PROVIDES)>(kProvidesText);
constexpr auto kNeedsText = ion::detail::zero_ended(RAW_NEEDS);
constexpr auto kNeeds = ion::detail::name_starts<ion::detail::count_names(RAW_NEEDS)>(kNeedsText);

ion_status create(const ion_host*, ion_bytes, void**, ion_err*) noexcept { return ION_OK; }
const void* table(void*, const char*) noexcept { return nullptr; }
ion_status start(void*, ion_err*) noexcept { return ION_OK; }
ion_status drain(void*, const ion_op*, ion_result*) noexcept { return ION_OK; }
void destroy(void*) noexcept {}

constexpr ion_plugin kPlugin{sizeof(ion_plugin),
                             1,
                             0,
                             RAW_MIN,
                             0,
                             0,
                             ion::detail::count_names(RAW_PROVIDES),
                             ion::detail::count_names(RAW_NEEDS),
                             "ion.test.raw",
                             RAW_DESCRIPTOR_VERSION,
                             "by hand",
                             "",
                             kProvides.data(),
                             kNeeds.data(),
                             &create,
                             &table,
                             &start,
                             nullptr,
                             &drain,
                             &destroy};

#if defined(RAW_ABORTS)
struct AtLoad {
  AtLoad() {
    std::fputs("the sky fell\n", stderr);
    std::abort();
  }
} at_load;
#elif defined(RAW_THROWS)
struct AtLoad {
  AtLoad() { throw std::runtime_error("no luck today"); }
} at_load;
#elif defined(RAW_EXITS)
struct AtLoad {
  AtLoad() { ::_exit(0); }
} at_load;
#elif defined(RAW_HANGS)
struct AtLoad {
  AtLoad() {
    std::fputs("waiting for Godot\n", stderr);
    for (;;) ::pause();
  }
} at_load;
#elif defined(RAW_UNRESOLVED)
extern "C" void ion_test_nobody_defines_this();
#elif defined(RAW_STRANGER)
extern "C" int ion_test_stranger();
#endif

}  // namespace

#if !defined(RAW_NO_ENTRY)
extern "C" __attribute__((visibility("default"))) const ion_plugin* ion_plugin_entry_v1(const ion_probe* probe) noexcept {
#if defined(RAW_UNRESOLVED)
  ion_test_nobody_defines_this();
#elif defined(RAW_STRANGER)
  if (ion_test_stranger() != 42) return nullptr;
#elif defined(RAW_REFUSES)
  return nullptr;
#endif
  return probe->abi_major == 1 ? &kPlugin : nullptr;
}
#endif
