#include "base/thread_place.h"

#include <pthread.h>

#include <cstdio>

namespace ion::base {
namespace {
constinit thread_local ThreadPlace t_place;
}  // namespace

ThreadPlace current_place() noexcept { return t_place; }

PlaceScope::PlaceScope(ThreadPlace place) noexcept : before_(t_place) { t_place = place; }
PlaceScope::~PlaceScope() { t_place = before_; }

void name_this_thread(const char* name) noexcept {
  char kept[16];
  std::snprintf(kept, sizeof kept, "%s", name);
  (void)pthread_setname_np(pthread_self(), kept);  // a name is a comfort: without it nothing is wrong
}

}  // namespace ion::base
