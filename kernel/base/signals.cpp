#include "base/signals.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <exception>

namespace ion::base {

struct Signals::Set {
  explicit Set(boost::asio::io_context& context) : set(context, SIGTERM, SIGINT, SIGHUP) {}
  boost::asio::signal_set set;
};

Result<std::unique_ptr<Signals>> Signals::start(IoLoop& loop, Callback on_signal) {
  std::unique_ptr<Signals> made(new Signals(loop, std::move(on_signal)));
  try {
    made->set_ = std::make_unique<Set>(loop.context());
    made->listen();  // nothing else touches the set yet; from here on the loop's thread does
  } catch (const std::exception& e) {
    return Status(ION_E_IO, fmt::format("signals: wanted to listen for SIGTERM, SIGINT, SIGHUP: {}", e.what()));
  }
  return made;
}

Signals::Signals(IoLoop& loop, Callback on_signal) : loop_(loop), on_signal_(std::move(on_signal)) {}

Signals::~Signals() { ION_ASSERT(set_ == nullptr || loop_.stopped()); }

void Signals::listen() {
  set_->set.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (on_signal_) on_signal_(signal);
    if (signal != SIGHUP) request_stop(signal);
    listen();
  });
}

int Signals::wait_for_stop() {
  std::unique_lock lock(mutex_);
  stop_came_.wait(lock, [this] { return stop_.has_value(); });
  return *stop_;
}

std::optional<int> Signals::wait_for_stop(Nanos limit) {
  std::unique_lock lock(mutex_);
  (void)stop_came_.wait_for(lock, std::chrono::nanoseconds(limit.n), [this] { return stop_.has_value(); });
  return stop_;
}

void Signals::request_stop(int signal) {
  const std::lock_guard lock(mutex_);
  if (!stop_) stop_ = signal;
  stop_came_.notify_all();
}

}  // namespace ion::base
