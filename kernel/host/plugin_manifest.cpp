#include "host/plugin_manifest.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <span>

namespace ion::host {
namespace {

constexpr size_t kPluginNameMax = 64;
// Contracts whose header is in abi/draft/ or not written yet: they may change without a new revision.
constexpr std::array<std::string_view, 2> kDrafts = {"ion.faults/1", "ion.identity/1"};

// A text of the descriptor, cut where no honest plugin goes on.
std::string told(const char* text, size_t bytes_max) {
  return text == nullptr ? std::string() : std::string(text, strnlen(text, bytes_max));
}

Status differs(std::string_view what, std::string_view note, std::string_view descriptor) {
  return {ION_E_CORRUPT, fmt::format("its note and its descriptor differ in {}: the note says \"{}\", the descriptor says \"{}\"",
                                     what, note, descriptor)};
}

Status check_list(std::string_view what, const std::vector<std::string>& note, const char* const* list, uint32_t n) {
  std::string said, has;
  for (const std::string& item : note) said += (said.empty() ? "" : ",") + item;
  for (uint32_t i = 0; i < n && i < elf::kNamesMax && list != nullptr; ++i)
    has += (has.empty() ? "" : ",") + told(list[i], elf::kNameBytesMax + 1);
  return said == has && n == note.size() ? Status() : differs(what, said, has);
}

Status check_functions(const ion_plugin& p) {
  if (!ION_HAS(&p, create) || !ION_HAS(&p, table) || !ION_HAS(&p, start) || !ION_HAS(&p, drain) || !ION_HAS(&p, destroy))
    return {ION_E_INVALID, fmt::format("its descriptor of {} bytes lacks one of create, table, start, drain, destroy", p.size)};
  return {};
}

}  // namespace

Status check_name(std::string_view name) {
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  if (name.empty() || name.size() > kPluginNameMax || !plain || name.front() == '-')
    return {ION_E_INVALID,
            fmt::format("wanted a name of 1 to {} changes a-z, digits and '-', have \"{}\"", kPluginNameMax, name)};
  if (name == "plugins")
    return {ION_E_INVALID, "this name is taken: the data directory keeps the copies of plugins in `plugins`"};
  return {};
}

Status check_version(const PluginNotes& notes) {
  if (notes.abi_major != ION_ABI_MAJOR)
    return {ION_E_VERSION, fmt::format("it was built for plugin ABI {}.{}, this host speaks {}.{}", notes.abi_major,
                                       notes.abi_minor, ION_ABI_MAJOR, ION_ABI_MINOR)};
  if (notes.min_host_minor > ION_ABI_MINOR)
    return {ION_E_VERSION, fmt::format("it needs a host of plugin ABI {}.{} or younger, this host speaks {}.{}", notes.abi_major,
                                       notes.min_host_minor, ION_ABI_MAJOR, ION_ABI_MINOR)};
  return {};
}

Status check_drafts(const PluginNotes& notes) {
  for (const auto* list : {&notes.provides, &notes.needs})
    for (const std::string& contract : *list)
      if (std::find(kDrafts.begin(), kDrafts.end(), without_mark(contract)) != kDrafts.end())
        return {ION_E_UNSUPPORTED,
                fmt::format("it speaks {}, a draft that may still change: wanted plugin_host.allow_drafts, have it off",
                            without_mark(contract))};
  return {};
}

Result<const ion_plugin*> ask_entry(ion_entry_fn entry, const PluginNotes& notes) {
  const ion_probe probe{sizeof(ion_probe), ION_ABI_MAJOR, ION_ABI_MINOR, ION_HOST_VERSION};
  const ion_plugin* p = entry(&probe);
  if (p == nullptr)
    return Status(ION_E_VERSION, fmt::format("its entry refused a host of plugin ABI {}.{}; its note says {}.{}", ION_ABI_MAJOR,
                                             ION_ABI_MINOR, notes.abi_major, notes.abi_minor));
  ION_CHECK(check_functions(*p));
  const auto version = [](unsigned major, unsigned minor) { return fmt::format("{}.{}", major, minor); };
  if (p->abi_major != notes.abi_major || p->abi_minor != notes.abi_minor)
    return differs("abi", version(notes.abi_major, notes.abi_minor), version(p->abi_major, p->abi_minor));
  if (p->min_host_minor != notes.min_host_minor)
    return differs("min", std::to_string(notes.min_host_minor), std::to_string(p->min_host_minor));
  if (const std::string id = told(p->id, elf::kNameBytesMax + 1); id != notes.id) return differs("id", notes.id, id);
  if (const std::string v = told(p->version, elf::kNameBytesMax + 1); v != notes.version)
    return differs("version", notes.version, v);
  ION_CHECK(check_list("provides", notes.provides, p->provides, p->nprovides));
  ION_CHECK(check_list("needs", notes.needs, p->needs, p->nneeds));
  if (const std::string schema = told(p->config_schema, elf::kSchemaBytesMax + 1); schema != notes.schema)
    return Status(ION_E_CORRUPT, fmt::format("its note and its descriptor differ in the configuration schema ({} and {} bytes)",
                                             notes.schema.size(), schema.size()));
  return p;
}

std::string_view without_mark(std::string_view need) { return is_optional(need) ? need.substr(0, need.size() - 1) : need; }
bool is_optional(std::string_view need) { return need.ends_with('?'); }

}  // namespace ion::host
