#include "base/signals.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <exception>
#include <utility>

namespace ion::base {

struct Signals::Set {
  explicit Set(boost::asio::io_context& context) : set(context, SIGTERM, SIGINT, SIGHUP) {}
  boost::asio::signal_set set;
};

Result<std::unique_ptr<Signals>> Signals::start(IoLoop& loop) {
  std::unique_ptr<Signals> made(new Signals(loop));
  try {
    made->set_ = std::make_unique<Set>(loop.context());
    made->listen();  // nothing else touches the set yet; from here on the loop's thread does
  } catch (const std::exception& e) {
    return Status(ION_E_IO, fmt::format("signals: wanted to listen for SIGTERM, SIGINT, SIGHUP: {}", e.what()));
  }
  return made;
}

Signals::Signals(IoLoop& loop) : loop_(loop) {}

Signals::~Signals() { ION_ASSERT(set_ == nullptr || loop_.stopped()); }

void Signals::listen() {
  set_->set.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    came(signal);
    listen();
  });
}

void Signals::came(int signal) {
  const std::lock_guard lock(mutex_);
  if (signal == SIGHUP) reload_ = true;
  else if (!stop_) stop_ = signal;
  came_.notify_all();
}

std::optional<int> Signals::take() {
  if (std::exchange(reload_, false)) return SIGHUP;
  return std::exchange(stop_, std::nullopt);
}

int Signals::next() {
  std::unique_lock lock(mutex_);
  came_.wait(lock, [this] { return reload_ || stop_; });
  return *take();
}

std::optional<int> Signals::next(Nanos limit) {
  std::unique_lock lock(mutex_);
  (void)came_.wait_for(lock, std::chrono::nanoseconds(limit.n), [this] { return reload_ || stop_; });
  return take();
}

}  // namespace ion::base
