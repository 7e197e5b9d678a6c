#include "host/library_rules.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace ion::host {
namespace {

// Debian's names; the versions are the loader's business.
constexpr std::array kAllowed = {
    "libc.so.*",      "libm.so.*",      "libdl.so.*",       "libpthread.so.*", "librt.so.*",       "ld-linux*.so.*",
    "libstdc++.so.*", "libgcc_s.so.*",  "libatomic.so.*",   "libionproto.so*", "libprotobuf.so.*", "libprotobuf-lite.so.*",
    "libgrpc.so.*",   "libgrpc++.so.*", "libgrpc++_*.so.*", "libgrpc_*.so.*",  "libgpr.so.*",      "libaddress_sorting.so.*",
    "libupb.so.*",    "libabsl_*.so.*", "libre2.so.*",      "libcares.so.*",   "libssl.so.3",      "libcrypto.so.3",
    "libz.so.*",      "liblz4.so.*",    "libzstd.so.*",     "libsnappy.so.*",  "libxxhash.so.*",   "libisal.so.*",
    "libfmt.so.*",    "libspdlog.so.*", "libboost_*.so.*",  "libnghttp2.so.*",
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    "libasan.so.*",   "libubsan.so.*",  "libtsan.so.*",
#endif
};

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  // Greedy with one step back: the last '*' may take one more character.
  size_t p = 0, t = 0, star = std::string_view::npos, taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++, taken = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1, t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Status check_libraries(const ElfLibraries& libraries, std::span<const std::string> own) {
  for (const auto& [what, path] : {std::pair{"RPATH", &libraries.rpath}, std::pair{"RUNPATH", &libraries.runpath}})
    if (!path->empty())
      return {ION_E_FORBIDDEN, fmt::format("wanted no {}, found {}: libraries come from the system or from the lib folder beside "
                                           "the plugins; link without -rpath",
                                           what, *path)};
  for (const std::string& needed : libraries.needed) {
    const bool allowed =
        std::any_of(kAllowed.begin(), kAllowed.end(), [&](const char* p) { return matches_pattern(p, needed); }) ||
        std::find(own.begin(), own.end(), needed) != own.end();
    if (needed.find('/') != std::string::npos || !allowed)
      return {
          ION_E_FORBIDDEN,
          fmt::format("it is linked with {}, which is not on the list of allowed libraries; a library of its own belongs into "
                      "the lib folder beside the folder of plugins",
                      needed)};
  }
  return {};
}

}  // namespace ion::host
