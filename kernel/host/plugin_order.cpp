#include "host/plugin_order.h"

#include "host/plugin_manifest.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace ion::host {
namespace {

constexpr std::array<std::string_view, 6> kSingle = {"ion.storage/1", "ion.consensus/1",  "ion.router/1",
                                                     "ion.peer/1",    "ion.redelivery/1", "ion.auth/1"};

bool has(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

std::vector<size_t> providers(const std::vector<PluginLinks>& plugins, std::string_view contract) {
  std::vector<size_t> found;
  for (size_t i = 0; i < plugins.size(); ++i)
    if (has(plugins[i].provides, contract)) found.push_back(i);
  return found;
}

// "ion.storage/1 of storage-mmap" when only the revision differs: the usual mistake.
std::string other_revisions(const std::vector<PluginLinks>& plugins, std::string_view contract) {
  const std::string_view noun = contract.substr(0, contract.find('/') + 1);
  std::string text;
  for (const PluginLinks& p : plugins)
    for (const std::string& offer : p.provides)
      if (offer.starts_with(noun)) text += fmt::format("{}{} of {}", text.empty() ? "; there is " : ", ", offer, p.name);
  return text;
}

Status check_single(const std::vector<PluginLinks>& plugins) {
  for (size_t i = 0; i < plugins.size(); ++i)
    for (size_t j = i + 1; j < plugins.size(); ++j) {
      if (plugins[i].name == plugins[j].name)
        return {ION_E_CONFLICT, fmt::format("two plugins have the name {}", plugins[i].name)};
      for (const std::string& contract : plugins[i].provides)
        if (is_single(contract) && has(plugins[j].provides, contract))
          return {
              ION_E_CONFLICT,
              fmt::format("plugins {} and {} both provide {}, of which there is one: disable one of them (plugins.{}.enabled)",
                          plugins[i].name, plugins[j].name, contract, plugins[j].name)};
    }
  return {};
}

// Depth first; the path from the first plugin asked is what a cycle is told from.
class Walk {
 public:
  Walk(const std::vector<PluginLinks>& plugins, const std::vector<std::string>& services)
      : plugins_(plugins), services_(services), states_(plugins.size(), State::kNew) {}

  Result<std::vector<size_t>> order() {
    for (size_t i = 0; i < plugins_.size(); ++i) ION_CHECK(visit(i));
    return order_;
  }

 private:
  enum class State { kNew, kOpen, kDone };

  Status visit(size_t i) {
    if (states_[i] == State::kDone) return {};
    if (states_[i] == State::kOpen) return cycle(i);
    states_[i] = State::kOpen;
    path_.push_back(i);
    for (const std::string& need : plugins_[i].needs) {
      const std::string_view contract = without_mark(need);
      const std::vector<size_t> from = providers(plugins_, contract);
      if (from.empty() && !is_optional(need) && !has(services_, contract))
        return {ION_E_NOT_FOUND, fmt::format("plugin {} needs {}, which no enabled plugin provides{}", plugins_[i].name, contract,
                                             other_revisions(plugins_, contract))};
      for (const size_t p : from)
        if (p != i) ION_CHECK(visit(p));
    }
    path_.pop_back();
    states_[i] = State::kDone;
    order_.push_back(i);
    return {};
  }

  Status cycle(size_t back_to) const {
    std::string text;
    const auto begin = std::find(path_.begin(), path_.end(), back_to);
    for (auto at = begin; at != path_.end(); ++at) {
      const size_t next = at + 1 == path_.end() ? back_to : *(at + 1);
      text +=
          fmt::format("{}{} needs {} of {}", text.empty() ? "" : ", ", plugins_[*at].name, link(*at, next), plugins_[next].name);
    }
    return {ION_E_CONFLICT, fmt::format("plugins need each other in a circle: {}", text)};
  }
  std::string_view link(size_t from, size_t to) const {
    for (const std::string& need : plugins_[from].needs)
      if (has(plugins_[to].provides, without_mark(need))) return without_mark(need);
    return {};
  }

  const std::vector<PluginLinks>& plugins_;
  const std::vector<std::string>& services_;
  std::vector<State> states_;
  std::vector<size_t> path_, order_;
};

}  // namespace

bool is_single(std::string_view contract) { return std::find(kSingle.begin(), kSingle.end(), contract) != kSingle.end(); }

Result<std::vector<size_t>> order_plugins(const std::vector<PluginLinks>& plugins, const std::vector<std::string>& services) {
  ION_CHECK(check_single(plugins));
  return Walk(plugins, services).order();
}

}  // namespace ion::host
