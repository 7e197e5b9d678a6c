#include "runtime.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <thread>
#include <utility>

#include "core/backoff.h"
#include "produce_codec.h"
#include "producer_session.h"

namespace ion::client {

namespace {
constexpr BackoffLimits kCallBackoff{milliseconds(50), seconds(1)};
constexpr const char* kMetadata = "/ionstream.v1.Broker/Metadata";
constexpr Nanos kGraceMin = milliseconds(50);

bool nobody_there(const Failure& f) {
  return (f.status.code() == ION_E_CLOSED && f.status.reason() != kNotReady) || f.status.reason() == kUnreachable;
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
    // Silence over a whole request timeout is as good as nobody; a caller with less time speaks for itself.
    const bool silent = reply.failure.status.reason() == kTimedOut && question->timeout >= self->options_.request_timeout;
    self->note_outage(reply.failure, silent || nobody_there(reply.failure));
    done(std::move(reply));
  };
  ask_at(address, *question, answered);
}

// An outage is told once, and its end once. Before the first answer there is none: connect() says what it found.
void Runtime::note_outage(const Failure& failure, bool all_failed) {
  {
    const std::lock_guard lock(mutex_);
    if (all_failed && reach_ != Reach::kReached) return;
    const Reach before = std::exchange(reach_, all_failed ? Reach::kLost : Reach::kReached);
    if (!all_failed && before != Reach::kLost) return;
  }
  if (all_failed) tell({ClientEvent::What::kLost, {}, "no broker answers, trying again: " + failure.status.message()});
  else tell({ClientEvent::What::kFound, {}, "a broker answers again"});
}

void Runtime::tell(ClientEvent event) const noexcept {
  if (!options_.on_event) return;
  try {
    options_.on_event(event);
  } catch (...) {  // here, or it would take the client's thread with it, or what its caller has still to do
  }
}

Result<std::string> Runtime::call(const Question& question, Repeat repeat, Status* unanswered) {
  struct Box {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<Reply> reply;
  };
  const Instant end = Driver::now() + question.timeout;
  const Nanos grace = std::max(kGraceMin, Nanos{question.timeout.n / 20});
  Status last(ION_E_DEADLINE, "no answer", std::string(kTimedOut));
  Status first;  // that may have been carried out
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
    // The call has a deadline of its own; the little more is for its way here.
    if (!box->changed.wait_for(lock, std::chrono::nanoseconds(left.n + grace.n), [&] { return box->reply.has_value(); })) {
      if (first.ok()) first = last;
      break;
    }
    const Failure& f = box->reply->failure;
    if (unanswered != nullptr) *unanswered = first;
    if (f.status.ok()) return std::move(box->reply->bytes);
    if (first.ok() && f.outcome == Failure::Outcome::kUnknown) first = f.status;
    // An attempt that time cut short says less than one that found nobody.
    if (last.reason() != kUnreachable || f.status.code() != ION_E_DEADLINE) last = f.status;
    if (!worth_asking_again(f, repeat)) {
      if (f.outcome == Failure::Outcome::kKnown || repeat == Repeat::kSafe) return f.status;
      break;
    }
    const Instant next = Driver::now() + backoff(kCallBackoff, attempt, driver_->random(), f.retry_after);
    lock.unlock();
    const Nanos wait = std::min(next, end) - Driver::now();
    if (wait.n > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(wait.n));
  }
  const std::string text = fmt::format("gave up after {} ms, last cause: {}", question.timeout.n / 1'000'000, last.message());
  if (repeat == Repeat::kSafe || first.ok()) return Status(last.code(), text, last.reason());
  return Status(ION_E_UNKNOWN_OUTCOME, fmt::format("an attempt got no answer and may have been carried out: {}; {}", first.message(), text), last.reason());
}

Result<ClusterMetadata> Runtime::metadata_of(std::string_view topic, Nanos timeout) {
  ION_TRY(const std::string bytes, call({kMetadata, codec::encode_metadata_request(topic), timeout}, Repeat::kSafe));
  return codec::decode_metadata(bytes);
}

void Runtime::find_leaders(const std::string& topic, std::function<void(Leaders)> done) {
  const auto question = Question{kMetadata, codec::encode_metadata_request(topic), options_.request_timeout};
  ask(question, [weak = weak_from_this(), topic, done = std::move(done)](Reply reply) {
    const auto self = weak.lock();
    if (!self || !reply.failure.status.ok()) return done({std::move(reply.failure), {}, {}, {}});
    const Result<ClusterMetadata> answer = codec::decode_metadata(reply.bytes);
    if (!answer) return done({{answer.error(), false, {}, {}}, {}, {}, {}});
    Result<std::vector<MetadataCache::Leader>> leaders = Status(ION_E_INTERNAL, "never");
    Uuid topic_id;
    BrokerLimits limits;
    {
      const std::lock_guard lock(self->mutex_);
      self->cache_.update(*answer, self->cache_.address());
      leaders = self->cache_.leaders(topic);
      topic_id = self->cache_.topic_id(topic);
      limits = self->cache_.limits(topic);
    }
    if (!leaders) return done({{leaders.error(), false, {}, {}}, {}, {}, {}});
    done({{}, *std::move(leaders), topic_id, limits});
  });
}

std::shared_ptr<ProducerSession> Runtime::producer(std::string_view topic, const ProducerOptions& options) {
  std::shared_ptr<ProducerSession> session;
  bool made = false;
  // One that takes nothing must not stand in the way of the next, whose options are good.
  const bool own = options.sharing == ProducerOptions::Sharing::kOwn || !options.check().ok();
  {
    const std::lock_guard lock(mutex_);
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
  struct Both {
    std::shared_ptr<Runtime> runtime;  // shared by the client and all its handles
    std::shared_ptr<ProducerSession> session;
    bool own;
    ~Both() {
      if (own) runtime->release_own(session);
    }
  };
  ProducerSession* raw = session.get();
  const std::shared_ptr<Both> both(new Both{shared_from_this(), std::move(session), own});
  return {both, raw};
}

// Nobody can send through it any more: it goes as soon as nothing of it waits.
void Runtime::release_own(const std::shared_ptr<ProducerSession>& session) {
  if (session->let_go(weak_from_this())) forget_own(session.get());
}

void Runtime::forget_own(const ProducerSession* session) {
  std::shared_ptr<ProducerSession> gone;  // ends without the lock
  {
    const std::lock_guard lock(mutex_);
    const auto at = std::find_if(own_producers_.begin(), own_producers_.end(), [&](const auto& each) { return each.get() == session; });
    if (at == own_producers_.end()) return;
    gone = std::move(*at);
    own_producers_.erase(at);
  }
  gone->abandon();
}

}  // namespace ion::client
