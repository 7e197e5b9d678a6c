#include <ion/client/client.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "producer_session.h"
#include "reader_session.h"
#include "runtime.h"

namespace ion::client {

namespace {
constexpr Nanos kAskAgain = milliseconds(100);
}  // namespace

Client::Client(std::shared_ptr<Runtime> runtime) : runtime_(std::move(runtime)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(ClientOptions options) {
  ION_CHECK(options.check());
  const auto runtime = std::make_shared<Runtime>(std::move(options));
  const Result<ClusterView> answer = Admin(runtime).cluster_info(runtime->options().connect_timeout);
  // Whatever a broker says, it is there; what it thinks of the question matters only when it lets nobody in.
  if (answer) return Client(runtime);
  const Code code = answer.error().code();
  if (code == ION_E_CLOSED || code == ION_E_DEADLINE) return Status(ION_E_CLOSED, answer.error().message(), std::string(kUnreachable));
  if (code == ION_E_UNAUTHENTICATED || code == ION_E_FORBIDDEN) return answer.error();
  return Client(runtime);
}

Producer Client::producer(std::string_view topic, const ProducerOptions& options) { return Producer(runtime_->producer(topic, options)); }

Result<Reader> Client::reader(const ReaderOptions& options) {
  ION_CHECK(options.check());
  const auto session = std::make_shared<ReaderSession>(runtime_, options);  // shared with calls under way
  session->start();
  return Reader(session);
}

Result<uint32_t> Client::partitions_of(std::string_view topic, Nanos timeout) {
  Result<uint32_t> found = Status(ION_E_NOT_FOUND, "never asked");
  for (int attempt = 0; attempt < 2; ++attempt) {  // one that was made a moment ago may not be known everywhere
    if (attempt > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(kAskAgain.n));
    ION_TRY(const ClusterMetadata answer, runtime_->metadata_of(topic, timeout));
    const auto at = std::find_if(answer.topics.begin(), answer.topics.end(), [&](const ClusterMetadata::Topic& t) { return t.name == topic; });
    if (at != answer.topics.end() && at->error.ok()) return static_cast<uint32_t>(at->partitions.size());
    found = at != answer.topics.end() ? at->error : Status(ION_E_NOT_FOUND, "topic " + std::string(topic) + " is not in the answer of the broker", "TOPIC_NOT_FOUND");
    if (found.error().code() != ION_E_NOT_FOUND) break;
  }
  return found;
}

Admin Client::admin() { return Admin(runtime_); }

Future<Receipt> Producer::send(const Record& record) {
  auto promise = std::make_shared<Promise<Receipt>>();  // shared with the callback, which must be copyable
  Future<Receipt> future = promise->future();
  const Status taken = session_->send(record, [promise](const Result<Receipt>& r) { promise->fulfil(r); });
  if (!taken.ok()) promise->fulfil(taken);
  return future;
}

Status Producer::send(const Record& record, OnDelivered done) { return session_->send(record, std::move(done)); }
// A callback that runs in here may let the last handle go.
Status Producer::flush(Nanos timeout) {
  const auto keep = session_;
  return keep->flush(timeout);
}
Status Producer::close(Nanos timeout) {
  const auto keep = session_;
  return keep->close(timeout);
}
ProducerCounts Producer::counts() const { return session_->counts(); }

}  // namespace ion::client
