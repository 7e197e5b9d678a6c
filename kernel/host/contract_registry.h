// Which contracts of started plugins can be used. Filled when a plugin has started, emptied when it drains.
// Thread: written by control, read by any.
#pragma once
#include <ion/abi/host.h>
#include <ion/result.h>

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ion::host {

struct NamedRef {
  std::string name;  // of the plugin in the configuration
  ion_ref ref{};
};

class ContractRegistry {
 public:
  // `place` is the plugin's place in the configuration: lists come in this order. `owner` stands for the instance; the contracts of
  // `instead_of` go in the same moment, null: of nobody.
  void add(std::string_view name, size_t place, const std::vector<std::pair<std::string, ion_ref>>& contracts, const void* owner, const void* instead_of = nullptr);
  void remove(const void* owner);

  // `name` empty: the only provider. NOT_FOUND: nobody; CONFLICT: several, named.
  Result<ion_ref> find(std::string_view contract, std::string_view name = {}) const;
  std::vector<NamedRef> all(std::string_view contract) const;

 private:
  struct Entry {
    std::string contract, name;
    size_t place;
    ion_ref ref;
    const void* owner;
  };
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // by place; some dozens at most
};

}  // namespace ion::host
