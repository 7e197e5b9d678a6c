// Does this plugin fit this host, and is it what it said? The notes are checked before any of its code runs, the descriptor that
// its entry returns is compared with them afterwards. Messages name both versions, both texts. Pure but for calling the entry.
#pragma once
#include <ion/elf_notes.h>

#include <string>
#include <string_view>

namespace ion::host {

// The schema of a plugin without one: nothing can be configured.
inline constexpr std::string_view kNoSettings = R"({"type":"object","additionalProperties":false,"properties":{}})";

// Names of plugins are names of folders and keys of the configuration. INVALID says what is wrong.
Status check_name(std::string_view name);

// VERSION: built for another major, or needs a younger host.
Status check_version(const PluginNotes& notes);
// UNSUPPORTED: it speaks a contract that is still a draft.
Status check_drafts(const PluginNotes& notes);

// Calls the entry and compares. The descriptor is the plugin's memory: read only after a child has done the same.
Result<const ion_plugin*> ask_entry(ion_entry_fn entry, const PluginNotes& notes);

// "ion.storage/1" of "ion.storage/1?".
std::string_view without_mark(std::string_view need);
bool is_optional(std::string_view need);

}  // namespace ion::host
