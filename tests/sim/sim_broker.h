// The one broker of a run: the real kernel with the real plugins, started on the machine's disks as often as the run wants. Requests are
// handed to its broker API; answers of a life that has ended reach nobody, as on a connection that broke.
#pragma once
#include "kernel.h"
#include "sim/stage.h"

#include <memory>
#include <optional>
#include <string>

namespace ion::sim {

enum class Down { kStopped, kKilled, kPowerCut };

// One request and its answer; shared by who asks and by the call, so that it outlives whichever ends first.
template <Verb V>
struct Exchange {
  explicit Exchange(std::string to = {}) : topic(std::move(to)) {
    request.size = sizeof request, answer.size = sizeof answer, error.size = sizeof error;
    answer.error = &error;
  }
  std::string topic, topic_id;
  RequestOf<V> request{};
  ReplyOf<V> answer{};
  ion_error_info error{};
  std::shared_ptr<const std::vector<uint8_t>> bytes;
  ion_buf part{};
  Outcome outcome;
  bool done = false;
};
template <Verb V>
using ExchangeOf = std::shared_ptr<Exchange<V>>;

class SimBroker {
 public:
  SimBroker(Stage& stage, std::string data_dir, std::string plugin_dir) : stage_(stage), data_dir_(std::move(data_dir)), plugin_dir_(std::move(plugin_dir)) {}
  ~SimBroker();

  Status start();
  bool is_up() const { return up_; }  // clients reach it
  // Ends the process. kStopped: as operators do it, and then what it answers is its stop's; OK for the others.
  Status go_down(Down how);
  uint64_t life() const { return life_; }
  bool ended_in_order() const { return in_order_; }  // the life before
  // The machine went down by itself: a crash point was reached.
  bool crashed();

  // `done` once, on the agenda, unless this life ends before.
  template <Verb V>
  void send(ExchangeOf<V> x, std::function<void()> done, Nanos on_the_way_back = {}) {
    call([&](Op& op) { return VerbTraits<V>::call(broker_->api(), op, x->request, x->answer); },
         [this, x, done = std::move(done), on_the_way_back, life = life_](const ion_result& r) {
           x->outcome = Outcome::from(r);
           if (life != life_) return;
           stage_.agenda.after(on_the_way_back, [this, x, done, life] {
             if (life != life_) return;
             x->done = true;
             done();
           });
         });
  }
  // Lets time pass until it is answered. False: the machine went down, or nobody answered within a minute.
  template <Verb V>
  bool ask(const ExchangeOf<V>& x) {
    send<V>(x, [] {});
    (void)stage_.time.run_until(seconds(60), [&] { return x->done || crashed(); });
    return x->done;
  }

  test::FakeDisk& storage() { return stage_.machine.disk(data_dir_ + "/storage-mmap"); }
  std::string log_text() const { return world_ == nullptr ? last_log_ : world_->log().text(); }

 private:
  Stage& stage_;
  const std::string data_dir_, plugin_dir_;
  uint64_t life_ = 0;
  std::unique_ptr<test::VirtualWorld> world_;
  std::unique_ptr<Broker> broker_;
  std::string last_log_;
  bool up_ = false, in_order_ = false;
};

}  // namespace ion::sim
