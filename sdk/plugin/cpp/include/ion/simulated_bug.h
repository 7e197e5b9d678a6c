// ION_BUG(name): a published mistake of other systems, planted at the place in the product where it would be made. In everything that is
// shipped it is the constant false and costs nothing. The simulator (tests/sim) compiles the few sources that have one a second time with
// ION_SIMULATED_BUGS, turns one on, and must find what it does. A new one: its name in tests/sim/planted_bugs.cpp, and one branch here or there.
#pragma once

#ifdef ION_SIMULATED_BUGS
namespace ion {
// Of the simulator's program, which alone can load what was compiled so. Any thread.
[[gnu::visibility("default")]] bool bug_is_planted(const char* name) noexcept;
}  // namespace ion
#define ION_BUG(name) ::ion::bug_is_planted(#name)
#else
#define ION_BUG(name) false
#endif
