// The client against a broker in the same process: threads, streams, reconnects. Waits end by events or deadlines, never by sleep.
#include <ion/client/client.h>

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "fake_broker.h"
#include "ionstream/v1/error.pb.h"

namespace ion::client {
namespace {

constexpr Nanos kLong = seconds(60);

struct Driver : testing::Test {
  FakeBroker broker;
  Client connect() {
    auto client = Client::connect({.brokers = {broker.address()}});
    EXPECT_TRUE(client) << client.error().text();
    return *std::move(client);
  }
  // Everything of a topic, by partition.
  std::map<int32_t, std::vector<std::string>> read_all(Client& client, const std::string& topic, ReaderOptions o = {}) {
    o.topic = topic;
    o.stop_at_end = true;
    std::map<int32_t, std::vector<std::string>> out;
    auto reader = client.reader(o);
    EXPECT_TRUE(reader) << reader.error().text();
    while (!reader->finished()) {
      auto m = reader->next(kLong);
      if (!m) ADD_FAILURE() << m.error().text();
      if (!m) break;
      if (*m) out[(*m)->partition.v].emplace_back(text_of(*(*m)->record.value));
    }
    return out;
  }
};

// Counts callbacks; waits for all of them.
class Tally {
 public:
  OnDelivered one(int number) {
    return [this, number](const Result<Receipt>& r) {
      const std::lock_guard lock(mutex_);
      ++calls_;
      if (r) offsets_[number] = r->offset.v;
      else last_error_ = r.error();
      changed_.notify_all();
    };
  }
  bool wait(size_t n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return calls_ >= n; });
  }
  std::map<int, int64_t> offsets() {
    const std::lock_guard lock(mutex_);
    return offsets_;
  }
  Status last_error() {
    const std::lock_guard lock(mutex_);
    return last_error_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t calls_ = 0;
  std::map<int, int64_t> offsets_;
  Status last_error_;
};

TEST_F(Driver, a_producer_whose_options_make_no_sense_takes_no_record_and_does_not_stand_in_the_way_of_the_next) {
  broker.create_topic("orders", 1);
  Client client = connect();
  ProducerOptions wrong;
  wrong.batch_bytes_max = 0;
  Producer none = client.producer("orders", wrong);
  const auto refused = none.send({.value = "a"}).get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ION_E_INVALID);
  EXPECT_EQ(refused.error().message(), "producer options: batch_bytes_max: want 1KiB to 16MiB, have 0B");
  EXPECT_TRUE(client.producer("orders").send({.value = "a"}).get());
  EXPECT_TRUE(none.close(kLong).ok());
}

TEST_F(Driver, says_hello) {
  broker.create_topic("orders", 3);
  Client client = connect();
  const auto receipt = client.producer("orders").send({.key = "k1", .value = "hello"}).get(kLong);
  ASSERT_TRUE(receipt) << receipt.error().text();
  EXPECT_EQ(receipt->offset.v, 0);
  EXPECT_EQ(broker.values("orders", receipt->partition.v), std::vector<std::string>{"hello"});
}

TEST_F(Driver, gives_back_what_was_sent_in_order) {
  broker.create_topic("orders", 2);
  Client client = connect();
  Producer producer = client.producer("orders");
  Tally tally;
  constexpr int kRecords = 20'000;
  broker.hold();  // so that records gather, however slow this thread is
  for (int i = 0; i < kRecords; ++i) {
    const std::string value = "value " + std::to_string(i);
    ASSERT_TRUE(producer.send({.value = value, .partition = PartitionId{i % 2}}, tally.one(i)).ok());
  }
  broker.go_on();
  ASSERT_TRUE(producer.flush(kLong).ok());
  EXPECT_EQ(tally.offsets().size(), static_cast<size_t>(kRecords)) << "callbacks have run when flush returns";
  const auto read = read_all(client, "orders");
  ASSERT_EQ(read.at(0).size(), static_cast<size_t>(kRecords / 2));
  for (int i = 0; i < kRecords; ++i)
    ASSERT_EQ(read.at(i % 2)[static_cast<size_t>(i / 2)], "value " + std::to_string(i));
  EXPECT_LT(producer.counts().batches, kRecords / 10u) << "records were batched";
}

TEST_F(Driver, producers_of_a_topic_are_one_unless_they_want_to_be_their_own) {
  broker.create_topic("orders", 1);
  Client client = connect();
  Producer shared = client.producer("orders"), same = client.producer("orders");
  ProducerOptions own;
  own.sharing = ProducerOptions::Sharing::kOwn;
  Producer mine = client.producer("orders", own), other = client.producer("orders", own);
  ASSERT_TRUE(shared.send({.value = "a"}).get(kLong) && mine.send({.value = "b"}).get(kLong) && other.send({.value = "c"}).get(kLong));
  EXPECT_EQ(same.counts().records, 1u);
  EXPECT_EQ(other.counts().records, 1u);
  ASSERT_TRUE(mine.close(kLong).ok());
  EXPECT_FALSE(mine.send({.value = "d"}).get(kLong));
  EXPECT_TRUE(other.send({.value = "e"}).get(kLong));
  EXPECT_TRUE(same.send({.value = "f"}).get(kLong));
  EXPECT_EQ(broker.values("orders", 0), (std::vector<std::string>{"a", "b", "c", "e", "f"}));
}

TEST_F(Driver, a_producer_of_its_own_that_is_dropped_goes_when_its_records_are_delivered) {
  broker.create_topic("orders", 1);
  Client client = connect();
  ProducerOptions own;
  own.sharing = ProducerOptions::Sharing::kOwn;
  auto alive = std::make_shared<int>(0);
  const std::weak_ptr<int> kept = alive;
  Tally tally;
  broker.hold();
  {
    Producer mine = client.producer("orders", own);
    ASSERT_TRUE(mine.send({.value = "a"}, tally.one(0)).ok());
    ASSERT_TRUE(mine.send({.value = "b"}, [alive, done = tally.one(1)](const Result<Receipt>& r) { done(r); }).ok());
  }
  alive.reset();
  EXPECT_FALSE(kept.expired()) << "its records are delivered all the same";
  broker.go_on();
  ASSERT_TRUE(tally.wait(2));
  EXPECT_EQ(tally.offsets().size(), 2u) << tally.last_error().text();
  broker.wait_for_streams(0);
}

TEST_F(Driver, an_outage_is_told_once_and_its_end_once) {
  broker.create_topic("orders", 1);
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ClientEvent::What> events;
  auto client = Client::connect({.brokers = {broker.address()}, .on_event = [&](const ClientEvent& event) {
    const std::lock_guard lock(mutex);
    events.push_back(event.what);
    changed.notify_all();
  }});
  ASSERT_TRUE(client);
  const auto told = [&](size_t n) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(60), [&] { return events.size() >= n; });
  };
  Producer producer = client->producer("orders");
  ASSERT_TRUE(producer.send({.value = "a"}).get(kLong));
  broker.stop();
  auto waiting = producer.send({.value = "b"});
  ASSERT_TRUE(told(1));
  broker.start();
  ASSERT_TRUE(waiting.get(kLong));
  ASSERT_TRUE(told(2));
  using What = ClientEvent::What;
  const std::lock_guard lock(mutex);
  EXPECT_EQ(events, (std::vector<What>{What::kLost, What::kFound}));
}

TEST_F(Driver, what_on_event_throws_ends_there_and_the_client_goes_on) {
  broker.create_topic("orders", 1);
  std::promise<void> lost, found;
  auto client = Client::connect({.brokers = {broker.address()}, .on_event = [&](const ClientEvent& event) {
    (event.what == ClientEvent::What::kLost ? lost : found).set_value();
    throw std::runtime_error("what a user may do");
  }});
  ASSERT_TRUE(client);
  Producer producer = client->producer("orders");
  ASSERT_TRUE(producer.send({.value = "a"}).get(kLong));
  broker.stop();
  auto waiting = producer.send({.value = "b"});
  ASSERT_EQ(lost.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  broker.start();
  ASSERT_TRUE(waiting.get(kLong));
  ASSERT_EQ(found.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  EXPECT_EQ(read_all(*client, "orders").at(0), (std::vector<std::string>{"a", "b"}));
}

TEST_F(Driver, a_lost_ack_makes_no_duplicate_and_keeps_the_offset) {
  broker.create_topic("orders", 1);
  Client client = connect();
  ASSERT_TRUE(client.producer("orders").send({.value = "a"}).get(kLong));
  broker.lose_acks(1);
  const auto receipt = client.producer("orders").send({.value = "b"}).get(kLong);
  ASSERT_TRUE(receipt) << receipt.error().text();
  EXPECT_EQ(receipt->offset.v, 1);
  EXPECT_EQ(broker.values("orders", 0), (std::vector<std::string>{"a", "b"}));
  EXPECT_GE(client.producer("orders").counts().retries, 1u);
}

TEST_F(Driver, retries_by_itself_over_a_broker_that_was_killed_and_came_back_on_the_same_port) {
  broker.create_topic("orders", 2);
  Client client = connect();
  Producer producer = client.producer("orders");
  Tally tally;
  constexpr int kRecords = 6'000;
  for (int i = 0; i < kRecords; ++i) {
    if (i == 2'000 || i == 4'000) {
      ASSERT_TRUE(tally.wait(static_cast<size_t>(i / 4)));
      broker.stop();
    }
    const std::string value = std::to_string(i);
    ASSERT_TRUE(producer.send({.value = value, .partition = PartitionId{i % 2}}, tally.one(i)).ok());
    if (i == 2'500 || i == 4'500) broker.start();
  }
  ASSERT_TRUE(producer.flush(kLong).ok());
  ASSERT_EQ(tally.offsets().size(), static_cast<size_t>(kRecords)) << tally.last_error().text();
  for (int p = 0; p < 2; ++p) {
    const auto values = broker.values("orders", p);
    ASSERT_EQ(values.size(), static_cast<size_t>(kRecords / 2)) << "lost or doubled";
    for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], std::to_string(2 * i + static_cast<size_t>(p)));
  }
}

TEST_F(Driver, a_reader_goes_on_where_it_was_over_a_restart) {
  broker.create_topic("orders", 1);
  Client client = connect();
  Producer producer = client.producer("orders");
  ASSERT_TRUE(producer.send({.value = "before"}).get(kLong));
  auto reader = client.reader({.topic = "orders"});
  ASSERT_TRUE(reader);
  auto first = reader->next(kLong);
  ASSERT_TRUE(first && *first);
  broker.stop();
  broker.start();
  ASSERT_TRUE(producer.send({.value = "after"}).get(kLong));
  auto second = reader->next(kLong);
  ASSERT_TRUE(second && *second);
  EXPECT_EQ(text_of(*(*second)->record.value), "after");
  EXPECT_EQ((*second)->record.offset.v, 1);
}

TEST_F(Driver, a_refusal_reaches_the_caller_with_code_and_reason) {
  broker.create_topic("orders", 1);
  Client client = connect();
  broker.refuse(1, ionstream::v1::CODE_REJECTED, "NOT_TODAY");
  const auto refused = client.producer("orders").send({.value = "a"}).get(kLong);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ION_E_REJECTED);
  EXPECT_EQ(refused.error().reason(), "NOT_TODAY");
  const auto next = client.producer("orders").send({.value = "b"}).get(kLong);
  EXPECT_TRUE(next) << "the producer lives on, under a new id: " << next.error().text();
}

TEST_F(Driver, an_overloaded_broker_is_asked_again) {
  broker.create_topic("orders", 1);
  Client client = connect();
  broker.refuse(3, ionstream::v1::CODE_OVERLOADED, "QUOTA_EXCEEDED");
  EXPECT_TRUE(client.producer("orders").send({.value = "a"}).get(kLong));
}

TEST_F(Driver, an_unknown_topic_is_an_error_of_the_send) {
  Client client = connect();
  const auto refused = client.producer("nowhere").send({.value = "a"}).get(kLong);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ION_E_NOT_FOUND);
  EXPECT_EQ(refused.error().reason(), "TOPIC_NOT_FOUND");
  auto reader = client.reader({.topic = "nowhere"});
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->next(kLong).error().reason(), "TOPIC_NOT_FOUND");
}

TEST_F(Driver, errors_of_operators_calls_carry_the_brokers_words) {
  Client client = connect();
  ASSERT_TRUE(client.admin().create_topic({.name = "t", .partitions = 2}));
  const auto again = client.admin().create_topic({.name = "t"});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ION_E_EXISTS);
  EXPECT_EQ(again.error().reason(), "TOPIC_EXISTS");
  EXPECT_EQ(again.error().message(), "topic t is there already");
  EXPECT_EQ(client.admin().list_plugins().error().code(), ION_E_UNSUPPORTED);
}

TEST_F(Driver, offsets_of_partitions_that_are_still_opening_are_asked_again) {
  broker.create_topic("orders", 2);
  Client client = connect();
  broker.open_late(3);
  const auto offsets = client.admin().list_offsets("orders", {0, 1}, OffsetOf::kEnd, kLong);
  ASSERT_TRUE(offsets);
  for (const PartitionOffset& o : *offsets) EXPECT_TRUE(o.error.ok());
}

TEST_F(Driver, credit_flows_while_the_application_takes) {
  broker.create_topic("orders", 1);
  Client client = connect();
  ProducerOptions small;
  small.batch_bytes_max = 32 << 10;
  Producer producer = client.producer("orders", small);
  const std::string value(10'000, 'v');
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(producer.send({.value = value}, {}).ok());
  ASSERT_TRUE(producer.flush(kLong).ok());
  ReaderOptions o;
  o.credit_bytes = 256 << 10, o.frame_bytes_max = 64 << 10;
  EXPECT_EQ(read_all(client, "orders", o).at(0).size(), 500u);
  EXPECT_GE(broker.credit_calls(), 10u) << "5 MB through 256 KiB of credit";
}

TEST_F(Driver, full_memory_blocks_the_sender_or_fails_as_asked) {
  broker.create_topic("orders", 1);
  Client client = connect();
  ProducerOptions o;
  o.memory_bytes_max = 1 << 20;
  Producer producer = client.producer("orders", o);
  const std::string value(100'000, 'v');
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(producer.send({.value = value}, {}).ok());
  EXPECT_TRUE(producer.flush(kLong).ok());
  EXPECT_EQ(broker.values("orders", 0).size(), 100u);

  broker.stop();
  broker.create_topic("other", 1);
  o.on_full = OnFull::kFail;
  Producer failing = client.producer("other", o);
  Status full;
  for (int i = 0; i < 20 && full.ok(); ++i) full = failing.send({.value = value}, {});
  EXPECT_EQ(full.code(), ION_E_OVERLOADED);
}

TEST_F(Driver, unanswered_records_are_delivered_all_the_same) {
  broker.create_topic("orders", 1);
  Client client = connect();
  ProducerOptions o;
  o.acks = Acks::kNone;
  Producer producer = client.producer("orders", o);
  Tally tally;
  for (int i = 0; i < 100; ++i) {
    const std::string value = std::to_string(i);
    ASSERT_TRUE(producer.send({.value = value}, tally.one(i)).ok());
  }
  ASSERT_TRUE(producer.flush(kLong).ok());
  for (const auto& [number, offset] : tally.offsets()) EXPECT_EQ(offset, -1) << number;
  // Nobody says when they are stored: they are waited for, in order.
  auto reader = client.reader({.topic = "orders"});
  ASSERT_TRUE(reader);
  for (int i = 0; i < 100; ++i) {
    const auto m = reader->next(kLong);
    ASSERT_TRUE(m && *m);
    EXPECT_EQ(text_of(*(*m)->record.value), std::to_string(i));
  }
}

TEST_F(Driver, closing_a_producer_without_answers_waits_until_the_broker_has_read_everything) {
  broker.create_topic("orders", 1);
  Client client = connect();
  ProducerOptions o;
  o.acks = Acks::kNone;
  Producer producer = client.producer("orders", o);
  ASSERT_TRUE(producer.send({.value = "first"}).get(kLong));
  broker.hold();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(producer.send({.value = std::string(1000, 'v')}, {}).ok());
  ASSERT_TRUE(producer.flush(kLong).ok());
  std::thread closing([&] { EXPECT_TRUE(producer.close(kLong).ok()); });
  broker.go_on();
  closing.join();
  EXPECT_EQ(broker.values("orders", 0).size(), 51u);
}

TEST_F(Driver, another_broker_is_found_when_the_first_is_not_there) {
  FakeBroker gone;
  const std::string nobody = gone.address();
  gone.stop();
  broker.create_topic("orders", 1);
  auto client = Client::connect({.brokers = {nobody, broker.address()}});
  ASSERT_TRUE(client) << client.error().text();
  EXPECT_TRUE(client->producer("orders").send({.value = "a"}).get(kLong));
}

TEST_F(Driver, nobody_there_is_said_within_the_timeout) {
  const std::string nobody = broker.address();
  broker.stop();
  const auto client = Client::connect({.brokers = {nobody}, .connect_timeout = milliseconds(300)});
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code(), ION_E_CLOSED);
  EXPECT_EQ(client.error().reason(), "UNREACHABLE");
}

TEST_F(Driver, a_bad_address_is_refused_at_once) {
  EXPECT_EQ(Client::connect({}).error().code(), ION_E_INVALID);
  for (const char* bad : {"", "host", ":9640", "host:", "host:port", "host:70000", "::1:9640", "http://host:9640"})
    EXPECT_EQ(Client::connect({.brokers = {bad}}).error().code(), ION_E_INVALID) << bad;
}

TEST_F(Driver, the_last_handle_may_go_inside_a_callback) {
  broker.create_topic("orders", 1);
  auto client = std::make_unique<Client>(connect());
  std::mutex mutex;
  std::condition_variable changed;
  bool gone = false;
  Producer producer = client->producer("orders");
  ASSERT_TRUE(producer.send({.value = "a"}, [&, p = std::make_shared<Producer>(producer)](const Result<Receipt>&) mutable {
    client.reset();
    p.reset();
    const std::lock_guard lock(mutex);
    gone = true;
    changed.notify_all();
  }).ok());
  producer = Client::connect({.brokers = {broker.address()}}).value().producer("orders");
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return gone; }));
}

TEST_F(Driver, a_client_that_goes_fails_what_is_left) {
  broker.create_topic("orders", 1);
  Tally tally;
  {
    Client client = connect();
    broker.stop();
    ASSERT_TRUE(client.producer("orders").send({.value = "a"}, tally.one(0)).ok());
  }
  EXPECT_TRUE(tally.wait(1));
  EXPECT_EQ(tally.last_error().code(), ION_E_CANCELLED);
}

TEST_F(Driver, a_closed_producer_refuses_and_a_new_one_may_be_made) {
  broker.create_topic("orders", 1);
  Client client = connect();
  Producer old = client.producer("orders");
  ASSERT_TRUE(old.send({.value = "a"}, {}).ok());
  ASSERT_TRUE(old.close(kLong).ok());
  EXPECT_EQ(old.send({.value = "b"}, {}).code(), ION_E_CLOSED);
  EXPECT_TRUE(client.producer("orders").send({.value = "c"}).get(kLong));
  EXPECT_EQ(broker.values("orders", 0), (std::vector<std::string>{"a", "c"}));
}

TEST_F(Driver, many_threads_share_one_producer) {
  broker.create_topic("orders", 3);
  Client client = connect();
  std::vector<std::thread> threads;
  std::atomic<int> delivered{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      Producer producer = client.producer("orders");
      for (int i = 0; i < 500; ++i)
        if (!producer.send({.value = "v"}, [&](const Result<Receipt>& r) { delivered += r ? 1 : 0; }).ok()) ADD_FAILURE();
    });
  for (auto& t : threads) t.join();
  ASSERT_TRUE(client.producer("orders").flush(kLong).ok());
  EXPECT_EQ(delivered, 4000);
}

TEST_F(Driver, a_reader_can_be_woken_from_another_thread) {
  broker.create_topic("orders", 1);
  Client client = connect();
  auto reader = client.reader({.topic = "orders"});
  ASSERT_TRUE(reader);
  std::thread other([&] { reader->cancel(); });
  EXPECT_EQ(reader->next_batch(kLong).error().code(), ION_E_CANCELLED);
  other.join();
}

}  // namespace
}  // namespace ion::client
