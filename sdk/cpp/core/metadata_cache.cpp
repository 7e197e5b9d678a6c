#include "core/metadata_cache.h"

#include <ion/client/address.h>

#include <algorithm>

namespace ion::client {

MetadataCache::MetadataCache(std::vector<std::string> given) : given_(std::move(given)), addresses_(given_) {
  ION_ASSERT(!addresses_.empty());
}

bool MetadataCache::failed(std::string_view address) {
  if (addresses_[at_] != address) return true;  // somebody else has moved on already
  at_ = (at_ + 1) % addresses_.size();
  return ++failed_in_a_row_ < addresses_.size();
}

void MetadataCache::update(const ClusterMetadata& answer, std::string_view answered_by) {
  const std::string now_at = addresses_[at_];
  limits_ = answer.limits;
  addresses_ = given_;
  nodes_.clear();
  for (const ClusterMetadata::Broker& b : answer.brokers) {
    std::string address = reachable_address(b.address, answered_by, answer.brokers.size());
    const bool known = std::find(addresses_.begin(), addresses_.end(), address) != addresses_.end();
    if (!known && addresses_.size() < kAddressesMax) addresses_.push_back(address);
    nodes_[b.node.v] = std::move(address);
  }
  const auto same = std::find(addresses_.begin(), addresses_.end(), now_at);
  at_ = same == addresses_.end() ? 0 : static_cast<size_t>(same - addresses_.begin());
  for (const ClusterMetadata::Topic& t : answer.topics) topics_[t.name] = t;
  answered();
}

Uuid MetadataCache::topic_id(std::string_view topic) const {
  const auto at = topics_.find(topic);
  return at == topics_.end() ? Uuid{} : at->second.id;
}

BrokerLimits MetadataCache::limits(std::string_view topic) const {
  BrokerLimits limits = limits_;
  const auto at = topics_.find(topic);
  const uint64_t own = at == topics_.end() ? 0 : at->second.batch_bytes_max;
  if (own != 0) limits.batch_bytes_max = limits.batch_bytes_max == 0 ? own : std::min(own, limits.batch_bytes_max);
  return limits;
}

Result<std::vector<MetadataCache::Leader>> MetadataCache::leaders(std::string_view topic) const {
  const auto at = topics_.find(topic);
  if (at == topics_.end()) return Status(ION_E_NOT_FOUND, "topic " + std::string(topic) + " is not in the answer of the broker", "TOPIC_NOT_FOUND");
  if (!at->second.error.ok()) return at->second.error;
  std::vector<Leader> out;
  for (const ClusterMetadata::Partition& p : at->second.partitions) {
    const auto node = nodes_.find(p.leader.v);
    out.push_back({p.partition, node == nodes_.end() ? std::string() : node->second});
  }
  std::sort(out.begin(), out.end(), [](const Leader& a, const Leader& b) { return a.partition < b.partition; });
  for (size_t i = 0; i < out.size(); ++i)
    if (out[i].partition.v != static_cast<int32_t>(i))
      return Status(ION_E_INTERNAL, "topic " + std::string(topic) + ": partitions should count from 0 without gaps, number " + std::to_string(i) +
                                        " is " + std::to_string(out[i].partition.v));
  if (out.empty()) return Status(ION_E_NOT_FOUND, "topic " + std::string(topic) + " has no partitions", "TOPIC_NOT_FOUND");
  return out;
}

std::string reachable_address(std::string_view advertised, std::string_view answered_by, size_t brokers) {
  if (brokers <= 1 || advertised.empty()) return std::string(answered_by);
  const Result<Address> named = parse_address(advertised), found = parse_address(answered_by);
  if (!named || !found || (named->host != "0.0.0.0" && named->host != "[::]")) return std::string(advertised);
  return Address{found->host, named->port}.text();
}

}  // namespace ion::client
