#include "base/io_loop.h"

#include "base/thread_place.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <thread>

namespace ion::base {

struct IoLoop::Inside {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{context.get_executor()};
  std::thread thread;
  std::atomic<bool> stopped{false};

  void live() {
    name_this_thread("ion-loop");
    context.run();
  }
};

Result<std::unique_ptr<IoLoop>> IoLoop::start() {
  try {
    auto inside = std::make_unique<Inside>();
    inside->thread = std::thread([at = inside.get()] { at->live(); });
    return std::unique_ptr<IoLoop>(new IoLoop(std::move(inside)));
  } catch (const std::exception& e) {
    return Status(ION_E_OVERLOADED, fmt::format("io loop: wanted a poll descriptor and a thread: {}", e.what()));
  }
}

IoLoop::IoLoop(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}

IoLoop::~IoLoop() { stop(); }

void IoLoop::post(std::function<void()> handler) { boost::asio::post(inside_->context, std::move(handler)); }

void IoLoop::stop() {
  if (stopped()) return;
  ION_ASSERT(inside_->thread.get_id() != std::this_thread::get_id());  // it would wait for itself
  inside_->context.stop();
  inside_->thread.join();
  inside_->stopped.store(true, std::memory_order_release);
}

bool IoLoop::stopped() const noexcept { return inside_->stopped.load(std::memory_order_acquire); }

boost::asio::io_context& IoLoop::context() noexcept { return inside_->context; }

}  // namespace ion::base
