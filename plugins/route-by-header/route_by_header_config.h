// Settings of route-by-header.
#pragma once
#include <ion/config_rows.h>

#include <string>
#include <tuple>
#include <vector>

namespace ion::route_by_header {

inline constexpr const char* kOther[] = {"keep", "reject"};

struct RouteConfig {
  std::string header = "route", other = "keep";
  std::vector<std::string> topics, routes;

  static constexpr auto rows() {
    return std::tuple{row("header", &RouteConfig::header, "The header whose value decides."),
                      row("topics", &RouteConfig::topics, "The topics whose batches are looked at; empty: all."),
                      row("routes", &RouteConfig::routes, "VALUE=TOPIC: where records with this value of the header are stored."),
                      row("other", &RouteConfig::other, kOther, "Without the header, or with another value: keep the topic, or reject the batch.")};
  }
};

}  // namespace ion::route_by_header
