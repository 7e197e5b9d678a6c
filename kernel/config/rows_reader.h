// Reads a checked object into a struct with rows. The tree was checked against the schema of the same rows, so a value of
// another kind here is our mistake. Pure; any thread.
#pragma once
#include "config/json_tree.h"

#include <ion/assert.h>
#include <ion/config_rows.h>

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace ion::config {

namespace detail {
template <class C, class T, size_t N>
void read_row(C& to, const Row<C, T, N>& row, const Node& object) {
  const Node* value = object.find(row.name);
  if (value == nullptr) return;
  if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    ION_ASSERT(value->is(Kind::kList));
    (to.*row.field).clear();
    for (const Node& item : value->items) (to.*row.field).push_back(item.text);
  } else if constexpr (std::is_same_v<T, std::string>) {
    ION_ASSERT(value->is(Kind::kText));
    to.*row.field = value->text;
  } else if constexpr (std::is_same_v<T, bool>) {
    ION_ASSERT(value->is(Kind::kBool));
    to.*row.field = value->truth;
  } else if constexpr (std::is_same_v<T, double>) {
    ION_ASSERT(value->is(Kind::kNumber));
    to.*row.field = value->number;
  } else if constexpr (std::is_same_v<T, Nanos>) {
    ION_ASSERT(value->is(Kind::kInteger));
    to.*row.field = Nanos{value->integer};
  } else {
    ION_ASSERT(value->is(Kind::kInteger) && std::in_range<T>(value->integer));
    to.*row.field = static_cast<T>(value->integer);
  }
}
}  // namespace detail

template <class C>
C read_rows(const Node& object) {
  C to{};
  std::apply([&](const auto&... row) { (detail::read_row(to, row, object), ...); }, C::rows());
  return to;
}

}  // namespace ion::config
