// What is wrong with a plugin's file although it can be loaded: it exports more than its entry, or it keeps state outside of its instances,
// which two instances, or two generations, in one process then share. Reads bytes only; foreign offsets are checked. Any thread.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ion::host {

// Sentences for the operator; empty: nothing to say. State whose name holds "process_wide_" is meant to be shared. A file that is no ELF object of this machine has none: others refuse it.
std::vector<std::string> file_remarks(std::span<const uint8_t> file);

}  // namespace ion::host
