#include <ion/client/address.h>
#include <ion/client/client.h>

#include "producer_session.h"
#include "reader_session.h"
#include "runtime.h"

namespace ion::client {

namespace {
Status check(const ClientOptions& o) {
  if (o.brokers.empty()) return {ION_E_INVALID, "client options: no brokers; want at least one host:port"};
  for (const std::string& b : o.brokers)
    if (const auto address = parse_address(b); !address) return {ION_E_INVALID, "client options: brokers: " + address.error().message()};
  if (o.request_timeout.n <= 0 || o.connect_timeout.n <= 0) return {ION_E_INVALID, "client options: timeouts are positive"};
  return {};
}
}  // namespace

Client::Client(std::shared_ptr<Runtime> runtime) : runtime_(std::move(runtime)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(ClientOptions options) {
  ION_CHECK(check(options));
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

Admin Client::admin() { return Admin(runtime_); }

Future<Receipt> Producer::send(const Record& record) {
  auto promise = std::make_shared<Promise<Receipt>>();  // shared with the callback, which must be copyable
  Future<Receipt> future = promise->future();
  const Status taken = session_->send(record, [promise](const Result<Receipt>& r) { promise->fulfil(r); });
  if (!taken.ok()) promise->fulfil(taken);
  return future;
}

Status Producer::send(const Record& record, OnDelivered done) { return session_->send(record, std::move(done)); }
Status Producer::flush(Nanos timeout) { return session_->flush(timeout); }
Status Producer::close(Nanos timeout) { return session_->close(timeout); }
ProducerCounts Producer::counts() const { return session_->counts(); }

}  // namespace ion::client
