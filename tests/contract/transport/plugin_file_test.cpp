// The file itself, as a broker loads it: one export, the C tables, and no thread left behind.
#include "fake_host.h"
#include "raw_client.h"

#include <ion/abi/entry.h>
#include <ion/bridge/transport_bridge.h>

#include <dlfcn.h>
#include <grpc/grpc.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <thread>

namespace ion::test {
namespace {

size_t threads_of_this_process() {
  size_t n = 0;
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task")) ++n;
  return n;
}

// Our library first, by its path: the plugin has no search path and finds it by name.
const ion_plugin* load() {
  void* const proto = dlopen(ION_PROTO_FILE, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  EXPECT_NE(proto, nullptr) << dlerror();
  void* const file = dlopen(ION_PLUGIN_FILE, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (file == nullptr) {
    ADD_FAILURE() << dlerror();
    return nullptr;
  }
  const auto entry = reinterpret_cast<ion_entry_fn>(dlsym(file, ION_ENTRY_SYMBOL));
  const ion_probe probe{sizeof(ion_probe), ION_ABI_MAJOR, ION_ABI_MINOR, "test"};
  return entry == nullptr ? nullptr : entry(&probe);
}

struct End {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  Status status;
};
template <class Start>
Status wait_for(Start&& start) {
  auto end = std::make_shared<End>();  // shared: the completion may come after an impatient test
  call(std::forward<Start>(start), [end](const ion_result& r) {
    const std::lock_guard lock(end->mutex);
    end->status = Status::from(r.status, r.err), end->done = true;
    end->changed.notify_all();
  });
  std::unique_lock lock(end->mutex);
  if (!end->changed.wait_for(lock, std::chrono::seconds(20), [&] { return end->done; })) return {ION_E_DEADLINE, "no answer in twenty seconds"};
  return end->status;
}

TEST(PluginFile, serves_behind_the_c_tables_and_ends_without_a_thread_or_a_timer) {
  FakeHost host;
  const size_t before = threads_of_this_process();
  const ion_plugin* const plugin = load();
  ASSERT_NE(plugin, nullptr);
  EXPECT_STREQ(plugin->id, "ion.transport-grpc");
  for (int life = 0; life < 2; ++life) {
    SCOPED_TRACE(life);
    const std::string config = R"({"listen":"127.0.0.1:0"})";
    void* self = nullptr;
    ion_err err{sizeof(ion_err), ION_OK, {}};
    ASSERT_EQ(plugin->create(host.table(), bytes_of(config), &self, &err), ION_OK) << err.msg;
    EXPECT_EQ(plugin->table(self, "ion.transport/12"), nullptr);
    const void* table = plugin->table(self, ION_TRANSPORT_ID);
    ASSERT_NE(table, nullptr);
    ASSERT_EQ(plugin->start(self, &err), ION_OK) << err.msg;
    {
      ImportedTransport transport({table, self});
      auto listener = transport.listen("");
      ASSERT_TRUE(listener) << listener.error().text();
      RawClient client((*listener)->address());
      EXPECT_TRUE(client.call("/ionstream.v1.Admin/ClusterInfo", "").status.ok());
      EXPECT_TRUE(wait_for([&](Op& op) { return (*listener)->drain(op); }).ok());
      EXPECT_TRUE(wait_for([&](Op& op) { return (*listener)->stop(op); }).ok());
    }
    EXPECT_TRUE(wait_for([&](Op& op) { return op.passed(plugin->drain(self, &op.raw(), &op.now())); }).ok());
    plugin->destroy(self);
    EXPECT_EQ(host.timers().armed(), 0u);
  }
  // A thread that was joined is listed for a moment more, and the client's own end when they like.
  for (int looks = 0; looks < 10'000 && threads_of_this_process() > before; ++looks) std::this_thread::yield();
  EXPECT_EQ(threads_of_this_process(), before);
}

TEST(PluginFile, a_host_without_what_it_needs_is_told_at_create) {
  const ion_plugin* const plugin = load();
  ASSERT_NE(plugin, nullptr);
  struct Empty {
    Clock& clock() { return clock_; }
    Logger& logger() { return *logger_; }
    Result<ion_ref> get(std::string_view id, std::string_view) { return Status(ION_E_NOT_FOUND, std::string(id)); }
    void fault(const Status&) {}
    HandClock clock_;
    Logger* logger_ = nullptr;
  } empty;
  const ion_host table = export_host(empty);
  void* self = nullptr;
  ion_err err{sizeof(ion_err), ION_OK, {}};
  EXPECT_EQ(plugin->create(&table, bytes_of("{}"), &self, &err), ION_E_NOT_FOUND);
  EXPECT_NE(std::string(err.msg).find("ion.executors/1"), std::string::npos) << err.msg;
  EXPECT_EQ(self, nullptr);
}

}  // namespace
}  // namespace ion::test
