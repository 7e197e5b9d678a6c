#include "host/contract_registry.h"

#include <fmt/core.h>

#include <algorithm>

namespace ion::host {

void ContractRegistry::add(std::string_view name, size_t place, const std::vector<std::pair<std::string, ion_ref>>& contracts, const void* owner,
                           const void* instead_of) {
  const std::lock_guard lock(mutex_);
  if (instead_of != nullptr) std::erase_if(entries_, [&](const Entry& e) { return e.owner == instead_of; });
  for (const auto& [contract, ref] : contracts) {
    const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.place > place; });
    entries_.insert(at, {contract, std::string(name), place, ref, owner});
  }
}

void ContractRegistry::remove(const void* owner) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& e) { return e.owner == owner; });
}

Result<ion_ref> ContractRegistry::find(std::string_view contract, std::string_view name) const {
  const std::vector<NamedRef> found = all(contract);
  if (!name.empty()) {
    const auto at = std::find_if(found.begin(), found.end(), [&](const NamedRef& r) { return r.name == name; });
    if (at != found.end()) return at->ref;
    return Status(ION_E_NOT_FOUND, fmt::format("plugin {} provides no {}", name, contract));
  }
  if (found.empty()) return Status(ION_E_NOT_FOUND, fmt::format("no started plugin provides {}", contract));
  if (found.size() == 1) return found.front().ref;
  std::string names;
  for (const NamedRef& r : found) names += (names.empty() ? "" : ", ") + r.name;
  return Status(ION_E_CONFLICT, fmt::format("several plugins provide {} ({}): name one", contract, names));
}

std::vector<NamedRef> ContractRegistry::all(std::string_view contract) const {
  const std::lock_guard lock(mutex_);
  std::vector<NamedRef> found;
  for (const Entry& e : entries_)
    if (e.contract == contract) found.push_back({e.name, e.ref});
  return found;
}

}  // namespace ion::host
