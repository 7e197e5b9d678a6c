#include "core/routes.h"

namespace ion::route_by_header {

Result<Routes> Routes::make(const std::vector<std::string>& routes, Other other) {
  if (routes.empty()) return Status(ION_E_INVALID, "routes: wanted VALUE=TOPIC, have none");
  Routes made;
  made.reject_ = other == Other::kReject;
  for (const std::string& route : routes) {
    const size_t mark = route.rfind('=');  // a topic has no "=", a value may
    if (mark == route.npos || mark == 0 || mark + 1 == route.size()) return Status(ION_E_INVALID, "routes: wanted VALUE=TOPIC, have \"" + route + "\"");
    if (!made.topics_.emplace(route.substr(0, mark), route.substr(mark + 1)).second)
      return Status(ION_E_INVALID, "routes: wanted each value once, have \"" + route.substr(0, mark) + "\" again");
  }
  return made;
}

Target Routes::target_of(std::optional<std::string_view> value) const {
  if (value)
    if (const auto found = topics_.find(*value); found != topics_.end()) return {Target::Kind::kTopic, found->second, {}};
  if (!reject_) return {};
  return {Target::Kind::kReject, {}, value ? "no route for \"" + std::string(value->substr(0, 100)) + "\"" : "wanted in each record, and one has none"};
}

}  // namespace ion::route_by_header
