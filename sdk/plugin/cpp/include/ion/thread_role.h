// Thread roles, checked by clang's -Wthread-safety: a function marked ION_ON(shard_role) cannot be called without the role.
// The role is claimed where the executor runs the work (ShardScope) and nowhere else. Nothing for other compilers.
#pragma once

#if defined(__clang__)
#define ION_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define ION_THREAD_ATTRIBUTE(x)
#endif
#define ION_ON(role) ION_THREAD_ATTRIBUTE(requires_capability(role))

namespace ion {
struct ION_THREAD_ATTRIBUTE(capability("role")) ThreadRole {};
inline constexpr ThreadRole shard_role{};    // calls on one object never overlap and are ordered; not one fixed OS thread
inline constexpr ThreadRole control_role{};  // the one control thread

// Claims a role for a scope. Costs nothing: the executor that runs the code is the proof.
class ION_THREAD_ATTRIBUTE(scoped_lockable) RoleScope {
 public:
  explicit RoleScope(const ThreadRole& role) ION_THREAD_ATTRIBUTE(acquire_capability(role)) { (void)role; }
  ~RoleScope() ION_THREAD_ATTRIBUTE(release_capability()) {}
  RoleScope(const RoleScope&) = delete;
  RoleScope& operator=(const RoleScope&) = delete;
};
}  // namespace ion
