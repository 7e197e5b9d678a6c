#include "command.h"

#include <fmt/format.h>

#include <cstdio>

namespace ion::cli {

int complain(std::string_view what, const Status& why) {
  if (why.reason() == kUsage) {
    fmt::print(stderr, "ion: {}: {}\n", what, why.message());
    return kUsageError;
  }
  fmt::print(stderr, "ion: {}: {}{}{}: {}\n", what, code_name(why.code()), why.reason().empty() ? "" : " ", why.reason(), why.message());
  if (why.code() == ION_E_UNAUTHENTICATED || why.code() == ION_E_FORBIDDEN) return kNotAllowed;
  return why.reason() == "UNREACHABLE" ? kNoBroker : kFailed;
}

int exit_of(size_t failed, size_t all) {
  if (failed == 0) return kDone;
  return failed == all ? kFailed : kSomeFailed;
}

Result<client::Client> connect(const Context& context) {
  client::ClientOptions options;
  options.brokers = context.brokers;
  options.connect_timeout = context.timeout;
  auto client = client::Client::connect(options);
  if (client || client.error().code() == ION_E_INVALID) return client;
  const Status& why = client.error();
  const bool not_allowed = why.code() == ION_E_UNAUTHENTICATED || why.code() == ION_E_FORBIDDEN;
  return Status(why.code(), fmt::format("no broker of {} answered: {}", fmt::join(context.brokers, ","), why.message()),
                not_allowed ? why.reason() : "UNREACHABLE");
}

}  // namespace ion::cli
