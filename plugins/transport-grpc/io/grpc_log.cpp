#include "io/grpc_log.h"

#include <grpc/support/log.h>

#include <mutex>
#include <string>
#include <string_view>

namespace ion::transport_grpc {
namespace {

// gRPC hands its function nothing of ours, so that the receiver stands in a global.
struct LogReceiver {
  std::mutex mutex;
  const Host* host = nullptr;
};
constinit LogReceiver process_wide_log_receiver;

LogLevel level_of(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_DEBUG: return LogLevel::kDebug;
    case GPR_LOG_SEVERITY_INFO: return LogLevel::kInfo;
    case GPR_LOG_SEVERITY_ERROR: break;
  }
  return LogLevel::kError;
}

void write_line(gpr_log_func_args* line) {
  const std::string_view path = line->file;
  const std::string at = std::string(path.substr(path.rfind('/') + 1)) + ":" + std::to_string(line->line);
  const std::lock_guard lock(process_wide_log_receiver.mutex);
  if (process_wide_log_receiver.host != nullptr) process_wide_log_receiver.host->log(level_of(line->severity), line->message, {{"source", at}});
}

}  // namespace

void take_grpc_log(const Host& host) {
  {
    const std::lock_guard lock(process_wide_log_receiver.mutex);
    process_wide_log_receiver.host = &host;
  }
  gpr_set_log_function(&write_line);
}

void leave_grpc_log(const Host& host) {
  const std::lock_guard lock(process_wide_log_receiver.mutex);
  if (process_wide_log_receiver.host != &host) return;
  process_wide_log_receiver.host = nullptr;
  gpr_set_log_function(nullptr);
}

}  // namespace ion::transport_grpc
