// What all handles of one client share: the thread, the connections, what is known of the cluster, the producers.
// Any thread. The last handle that goes closes everything; that may be a callback on the driver's own thread.
#pragma once
#include <ion/client/options.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "channels.h"
#include "core/metadata_cache.h"
#include "driver.h"
#include "stream_call.h"

namespace ion::client {

class ProducerSession;

struct Question {
  std::string method;  // full gRPC name; it stands where the question is asked
  std::string bytes;
  Nanos timeout;
};

class Runtime : public std::enable_shared_from_this<Runtime> {
 public:
  explicit Runtime(ClientOptions options);
  ~Runtime();

  const ClientOptions& options() const { return options_; }
  const std::shared_ptr<Driver>& driver() const { return driver_; }
  StreamCall::Target target(const LinkId& link, const char* what);

  // Asks one broker after the other, each once, until one answers. `done` runs on the driver's thread.
  void ask(Question question, std::function<void(Reply)> done);
  void ask_at(const std::string& address, const Question& question, std::function<void(Reply)> done);
  // Waits for an answer, over retries with back-off, at most question.timeout. Not on the driver's thread.
  // `unanswered`, if given, is set to why the first attempt went without an answer that may have been carried out all the same:
  // what a later attempt says may then be this caller's own work.
  Result<std::string> call(const Question& question, Repeat repeat, Status* unanswered = nullptr);

  // As call(): waits.
  Result<ClusterMetadata> metadata_of(std::string_view topic, Nanos timeout);
  struct Leaders {
    Failure failure;
    std::vector<MetadataCache::Leader> leaders;
    Uuid topic_id = {};  // all zero: not said
    BrokerLimits limits = {};
  };
  void find_leaders(const std::string& topic, std::function<void(Leaders)> done);
  // A broker has served a stream: an outage that was told is over.
  void note_served() { note_outage({}, false); }
  // To the user's on_event, if there is one; what that throws ends here. Not under a lock.
  void tell(ClientEvent event) const noexcept;

  std::shared_ptr<ProducerSession> producer(std::string_view topic, const ProducerOptions& options);

 private:
  friend class ProducerSession;
  void release_own(const std::shared_ptr<ProducerSession>& session);  // its last handle has gone
  void forget_own(const ProducerSession* session);                    // and its records are delivered
  void ask_next(const std::shared_ptr<Question>& question, std::function<void(Reply)> done);
  std::string address();
  void note_outage(const Failure& failure, bool all_failed);

  const ClientOptions options_;
  const std::shared_ptr<Driver> driver_;
  Channels channels_;
  std::mutex mutex_;
  MetadataCache cache_;
  enum class Reach { kNever, kReached, kLost } reach_ = Reach::kNever;  // kNever: nobody has answered this client yet
  std::map<std::string, std::shared_ptr<ProducerSession>, std::less<>> producers_;
  std::vector<std::shared_ptr<ProducerSession>> own_producers_;  // Sharing::kOwn
};

}  // namespace ion::client
