// In which order plugins are created and started: whoever provides a contract comes before whoever needs it, else the order of
// the configuration stands. Pure.
#pragma once
#include <ion/result.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ion::host {

// What one plugin of the configuration gives and takes; needs may end in '?'.
struct PluginLinks {
  std::string name;
  std::vector<std::string> provides, needs;
};

// Contracts of which a broker has exactly one provider.
bool is_single(std::string_view contract);

// Indices into `plugins`. `services` are the ids that the host itself answers.
// NOT_FOUND: a needed contract that nobody provides, and who needs it. CONFLICT: a second provider of a single contract, a name
// given twice, or a cycle, all named.
Result<std::vector<size_t>> order_plugins(const std::vector<PluginLinks>& plugins, const std::vector<std::string>& services);

}  // namespace ion::host
