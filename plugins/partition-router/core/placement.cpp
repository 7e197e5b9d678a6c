#include "core/placement.h"

#include <algorithm>
#include <string>

namespace ion::partition_router {

namespace {

struct Seat {
  NodeId node;
  std::string_view rack;
  uint64_t load = 0;
  uint64_t draw = 0;  // breaks ties by the seed, so that two topics do not begin at the same broker
};

uint64_t mix(uint64_t x) {  // splitmix64's finaliser
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// The lightest broker that the row does not have yet; one of a new rack before one of a rack that is used.
Seat& choose(std::vector<Seat>& seats, const std::vector<NodeId>& row, const std::vector<std::string_view>& racks) {
  Seat* best = nullptr;
  const auto used_rack = [&](const Seat& s) { return std::find(racks.begin(), racks.end(), s.rack) != racks.end(); };
  for (Seat& s : seats) {
    if (std::find(row.begin(), row.end(), s.node) != row.end()) continue;
    const auto rank = [&](const Seat& x) { return std::tuple(used_rack(x), x.load, x.draw); };
    if (best == nullptr || rank(s) < rank(*best)) best = &s;
  }
  ION_ASSERT(best != nullptr);
  return *best;
}

}  // namespace

Result<std::vector<NodeId>> place(const PlaceRequest& r) {
  if (r.replication == 0 || r.partitions == 0) return Status(ION_E_INVALID, "placement: want at least one partition and one replica");
  if (r.brokers.size() < r.replication)
    return Status(ION_E_INVALID, "placement: " + std::to_string(r.replication) + " replicas wanted, " + std::to_string(r.brokers.size()) + " brokers are there");
  std::vector<Seat> seats;
  for (const ion_place_broker& b : r.brokers) seats.push_back({{b.node}, text_of(b.rack), b.load, mix(r.seed ^ mix(b.node))});
  std::vector<NodeId> rows;
  rows.reserve(size_t{r.partitions} * r.replication);
  for (uint32_t p = 0; p < r.partitions; ++p) {
    std::vector<NodeId> row;
    std::vector<std::string_view> racks;
    while (row.size() < r.replication) {
      Seat& seat = choose(seats, row, racks);
      row.push_back(seat.node);
      racks.push_back(seat.rack);
      seat.load += row.size() == 1 ? 2 : 1;  // leading costs more than following
    }
    rows.insert(rows.end(), row.begin(), row.end());
  }
  ION_ASSERT(rows.size() == size_t{r.partitions} * r.replication);
  return rows;
}

}  // namespace ion::partition_router
