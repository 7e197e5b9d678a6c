#include "runtime.h"

#include <fmt/format.h>

#include <condition_variable>
#include <thread>

#include "core/backoff.h"
#include "produce_codec.h"
#include "producer_session.h"

namespace ion::client {

namespace {
constexpr BackoffLimits kCallBackoff{milliseconds(50), seconds(1)};

bool nobody_there(const Failure& f) {
  return f.status.code() == ION_E_CLOSED || f.status.reason() == kUnreachable;
}
}  // namespace

Runtime::Runtime(ClientOptions options) : options_(std::move(options)), driver_(Driver::start()), cache_(options_.brokers) {}

Runtime::~Runtime() {
  for (const auto& [topic, session] : producers_) session->abandon();
  for (const auto& session : own_producers_) session->abandon();
  driver_->stop();
}

StreamCall::Target Runtime::target(const LinkId& link, const char* what) { return {channels_.get(link), what, link.address}; }

std::string Runtime::address() {
  const std::lock_guard lock(mutex_);
  return cache_.address();
}

void Runtime::ask_at(const std::string& address, const Question& question, std::function<void(Reply)> done) {
  call_unary(driver_, {target({address, Lane::kLatency}, question.method.c_str()), question.bytes, question.timeout}, std::move(done));
}

void Runtime::ask(Question question, std::function<void(Reply)> done) {
  ask_next(std::make_shared<Question>(std::move(question)), std::move(done));
}

void Runtime::ask_next(const std::shared_ptr<Question>& question, std::function<void(Reply)> done) {
  const std::string address = this->address();
  const auto answered = [weak = weak_from_this(), question, address, done = std::move(done)](Reply reply) {
    const auto self = weak.lock();
    if (!self) return done(std::move(reply));
    bool more = false;
    {
      const std::lock_guard lock(self->mutex_);
      if (nobody_there(reply.failure)) more = self->cache_.failed(address);
      else self->cache_.answered();
    }
    if (more) return self->ask_next(question, done);
    done(std::move(reply));
  };
  ask_at(address, *question, answered);
}

Result<std::string> Runtime::call(const Question& question, Repeat repeat) {
  struct Box {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<Reply> reply;
  };
  const Instant end = Driver::now() + question.timeout;
  Status last(ION_E_DEADLINE, "no answer");
  for (uint32_t attempt = 0;; ++attempt) {
    const Nanos left = end - Driver::now();
    if (left.n <= 0) break;
    const auto box = std::make_shared<Box>();  // shared: an answer may come after we have left
    ask({question.method, question.bytes, std::min(left, options_.request_timeout)}, [box](Reply r) {
      const std::lock_guard lock(box->mutex);
      box->reply = std::move(r);
      box->changed.notify_all();
    });
    std::unique_lock lock(box->mutex);
    // The call has a deadline of its own; the second more is for its way here.
    if (!box->changed.wait_for(lock, std::chrono::nanoseconds(left.n) + std::chrono::seconds(1), [&] { return box->reply.has_value(); })) break;
    const Failure& f = box->reply->failure;
    if (f.status.ok()) return std::move(box->reply->bytes);
    // An attempt that time cut short says less than one that found nobody.
    if (last.reason() != kUnreachable || f.status.code() != ION_E_DEADLINE) last = f.status;
    if (!f.retriable && !is_retriable(f.status.code(), repeat)) return f.status;
    const Nanos wait = backoff(kCallBackoff, attempt, driver_->random(), f.retry_after);
    if (Driver::now() + wait >= end) break;
    lock.unlock();
    std::this_thread::sleep_for(std::chrono::nanoseconds(wait.n));
  }
  return Status(last.code(), fmt::format("gave up after {} ms, last cause: {}", question.timeout.n / 1'000'000, last.message()), last.reason());
}

void Runtime::find_leaders(const std::string& topic, std::function<void(Leaders)> done) {
  const auto question = Question{method::kMetadata, codec::encode_metadata_request(topic), options_.request_timeout};
  ask(question, [weak = weak_from_this(), topic, done = std::move(done)](Reply reply) {
    const auto self = weak.lock();
    if (!self || !reply.failure.status.ok()) return done({std::move(reply.failure), {}});
    const Result<ClusterMetadata> answer = codec::decode_metadata(reply.bytes);
    if (!answer) return done({{answer.error(), false, {}, {}}, {}});
    Result<std::vector<MetadataCache::Leader>> leaders = Status(ION_E_INTERNAL, "never");
    {
      const std::lock_guard lock(self->mutex_);
      self->cache_.update(*answer, self->cache_.address());
      leaders = self->cache_.leaders(topic);
    }
    if (!leaders) return done({{leaders.error(), false, {}, {}}, {}});
    done({{}, *std::move(leaders)});
  });
}

std::shared_ptr<ProducerSession> Runtime::producer(std::string_view topic, const ProducerOptions& options) {
  std::shared_ptr<ProducerSession> session;
  bool made = false;
  {
    const std::lock_guard lock(mutex_);
    const bool own = options.sharing == ProducerOptions::Sharing::kOwn;
    const auto at = own ? producers_.end() : producers_.find(topic);
    if (at != producers_.end() && !at->second->closed()) {
      session = at->second;
    } else {
      session = std::make_shared<ProducerSession>(*this, std::string(topic), options);
      if (!own) producers_.insert_or_assign(std::string(topic), session);
      std::erase_if(own_producers_, [](const auto& each) { return each->closed(); });
      if (own) own_producers_.push_back(session);
      made = true;
    }
  }
  if (made) driver_->add(std::weak_ptr<Ticker>(session));
  // A handle keeps both; without one the runtime keeps the session, so that its records are delivered all the same.
  auto both = std::make_shared<std::pair<std::shared_ptr<Runtime>, std::shared_ptr<ProducerSession>>>(shared_from_this(), session);
  return {std::move(both), session.get()};
}

}  // namespace ion::client
