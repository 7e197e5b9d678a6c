// The limits of a process, and what it sets once for itself. Libraries hang or abort when they get less than they count on, so the programs
// ask before they use them; a refusal says what was wanted, what there is, and which limit to raise. A plugin leaves its process alone.
// Thread: main, before any other.
#pragma once
#include <ion/status.h>

#include <cstdint>

namespace ion::process {

// A write to a pipe or socket that nobody reads, or beyond the largest file that this process may write (`ulimit -f`), is an error and
// no signal.
void ignore_write_signals();
// What large messages were received into is kept for the next ones. glibc gives such memory back at once and faults it in again, page
// by page: a sixth of the null broker's throughput. It lies in few arenas, one for two cores: what one of them keeps the others cannot use, and
// with glibc's eight for a core a broker was seen at twice what it had in use. No effect with another allocator.
void keep_freed_memory();

// NO_MEMORY: the stack of a thread would be so small (ulimit -s) that a deep call ends the process by a signal. First of all.
Status check_stack();
// NO_MEMORY: the address space is limited (ulimit -v) to fewer than `least` bytes. Limited to more, what threads reserve of it for their
// allocations is kept small.
Status check_address_space(uint64_t least);
// Raises the soft limit of open files to the hard one. The limit that holds now.
uint64_t raise_descriptor_limit();
// OVERLOADED: fewer than `more` descriptors beside those that are open (ulimit -n).
Status check_descriptors(uint64_t more);
// Starts `count` threads at once and ends them. OVERLOADED: the system gives fewer.
Status check_threads(uint32_t count);

}  // namespace ion::process
