// raw_stream: measures gRPC's own ceiling and transport-grpc above it, each server in a process of its own.
//   raw_stream serve raw [--threads N]                    a server of raw ByteBuffers; prints `ready HOST:PORT`, ends with its stdin
//   raw_stream serve transport [--fetch-bytes B]           transport-grpc on a null broker API
//   raw_stream load raw|transport ADDRESS CASE            one case, one line: unary:SIZE:IN_FLIGHT, in:SIZE, out:SIZE
//   raw_stream compare [ROUNDS]                           all cases against raw and transport, rounds interleaved; medians
// Each end may be tuned: --frame B --lookahead B --chunk B (0 leaves gRPC's own value).
#include "bench/raw_stream.h"
#include "null_transport.h"

#include "core/wire.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>

namespace ion::bench {
namespace {

struct Options {
  std::vector<std::string> words;
  uint32_t threads = 0;
  uint64_t fetch_bytes = 64 << 10;
  RawTuning tuning;
};

Options read(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool takes = word.starts_with("--") && i + 1 < argc;
    const uint64_t value = takes ? std::strtoull(argv[i + 1], nullptr, 10) : 0;
    if (takes) ++i;
    if (word == "--threads") o.threads = static_cast<uint32_t>(value);
    else if (word == "--fetch-bytes") o.fetch_bytes = value;
    else if (word == "--frame") o.tuning.frame_bytes = value;
    else if (word == "--lookahead") o.tuning.lookahead_bytes = value;
    else if (word == "--chunk") o.tuning.read_chunk_bytes = value;
    else o.words.push_back(word);
  }
  return o;
}

// --- requests of transport-grpc ---

std::string produce_head(bool with_topic, uint64_t payload) {
  std::string head;
  WireWriter w(head);
  if (with_topic) w.text(1, "bench");
  w.present(2, 0);
  w.begin_bytes(15, payload);
  return head;
}
// Acks in a ProduceResponse.
uint64_t count_acks(const std::string& response) {
  const ion_buf one = borrowed(span_of(response));
  WireReader reader({&one, 1});
  uint64_t n = 0;
  for (WireField f; reader.next(f);) n += f.number == 1;
  return n;
}
std::string subscribe_request(uint64_t frame) {
  std::string part, request;
  WireWriter(part).text(1, "bench");
  WireWriter w(request);
  w.message(1, part);
  w.number(2, uint64_t{16} << 30);
  w.number(3, frame);
  return request;
}

Result<RawFigures> run(bool transport, const std::string& address, const std::string& name, const RawTuning& tuning) {
  char kind[16] = {};
  unsigned long size = 0, in_flight = 1;
  if (std::sscanf(name.c_str(), "%15[a-z]:%lu:%lu", kind, &size, &in_flight) < 2) return Status(ION_E_INVALID, "want KIND:SIZE, have " + name);
  const uint64_t volume = std::max<uint64_t>(1'000, std::min<uint64_t>(200'000, (uint64_t{1} << 30) / std::max<uint64_t>(size, 4096)));
  const Payload payload(size, 'p');
  if (std::strcmp(kind, "unary") == 0) {
    UnaryLoad load{transport ? "/ionstream.v1.Broker/Produce" : "/raw/Unary", transport ? produce_head(true, size) : "", payload,
                   std::min<uint64_t>(volume, in_flight == 1 ? 5'000 : 20'000), in_flight};
    return run_unary(address, load, tuning);
  }
  if (std::strcmp(kind, "in") == 0) {
    SendLoad load;
    load.payload = payload, load.messages = volume, load.window = usual_window(size);
    if (transport) {
      load.method = "/ionstream.v1.Broker/ProduceStream", load.answers = &count_acks;
      load.first_head = produce_head(true, size), load.head = produce_head(false, size);
    }
    return run_send(address, load, tuning);
  }
  if (std::strcmp(kind, "out") == 0) {
    ReceiveLoad load;
    load.messages = volume;
    load.method = transport ? "/ionstream.v1.Broker/Subscribe" : load.method;
    load.request = transport ? subscribe_request(size) : raw_fetch_request(volume, size);
    load.counted_from = size;
    return run_receive(address, load, tuning);
  }
  return Status(ION_E_INVALID, "no case " + name);
}

int serve(const Options& o) {
  std::unique_ptr<RawServer> raw;
  std::unique_ptr<NullTransport> null;
  std::string address;
  const std::string what = o.words.size() > 1 ? o.words[1] : "";
  if (what == "raw") {
    auto made = RawServer::start("127.0.0.1:0", std::max(1u, o.threads), o.tuning);
    if (!made) return std::fprintf(stderr, "%s\n", made.error().text().c_str()), 1;
    raw = *std::move(made), address = raw->address();
  } else {
    auto made = NullTransport::start({o.fetch_bytes, o.tuning.frame_bytes, o.tuning.lookahead_bytes, o.tuning.read_chunk_bytes});
    if (!made) return std::fprintf(stderr, "%s\n", made.error().text().c_str()), 1;
    null = *std::move(made), address = null->address();
  }
  std::printf("ready %s\n", address.c_str());
  std::fflush(stdout);
  for (char c; std::cin.get(c);) {
  }
  return 0;
}

void print(const std::string& name, const RawFigures& f) {
  std::printf("%-14s %10.0f msg/s %9.1f MB/s", name.c_str(), f.messages_per_s(), f.mb_per_s());
  if (!f.latency_us.empty()) std::printf("   p50 %.0f us p99 %.0f us", f.percentile_us(0.5), f.percentile_us(0.99));
  std::printf("\n");
}

// A server as a child: its stdin is a pipe, and closing that ends it.
class Child {
 public:
  Child(const std::string& program, std::vector<std::string> arguments) {
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0 || (pid_ = fork()) < 0) std::exit(1);
    if (pid_ == 0) {
      dup2(to[0], 0), dup2(from[1], 1);
      for (const int fd : {to[0], to[1], from[0], from[1]}) close(fd);
      std::vector<char*> argv{const_cast<char*>(program.c_str())};
      for (std::string& a : arguments) argv.push_back(a.data());
      argv.push_back(nullptr);
      execv(program.c_str(), argv.data());
      _exit(127);
    }
    close(to[0]), close(from[1]);
    in_ = to[1];
    FILE* out = fdopen(from[0], "r");
    char line[256] = {}, at[200] = {};
    if (out == nullptr || std::fgets(line, sizeof line, out) == nullptr || std::sscanf(line, "ready %199s", at) != 1) std::exit(1);
    address = at;
    std::fclose(out);
  }
  ~Child() {
    close(in_);
    waitpid(pid_, nullptr, 0);
  }
  std::string address;

 private:
  pid_t pid_ = -1;
  int in_ = -1;
};

int compare(const std::string& program, const Options& o) {
  const int rounds = o.words.size() > 1 ? std::atoi(o.words[1].c_str()) : 5;
  const char* const cases[] = {"unary:1024:1", "unary:1024:32", "unary:65536:32", "in:1024", "in:16384", "in:65536", "in:262144",
                               "in:1048576",   "out:16384",     "out:65536",      "out:262144"};
  const char* const servers[] = {"raw", "transport"};
  std::map<std::string, std::map<std::string, std::vector<double>>> seen;
  const auto tuning = [&](std::vector<std::string> a) {
    for (const auto& [name, value] : {std::pair{"--frame", o.tuning.frame_bytes}, std::pair{"--lookahead", o.tuning.lookahead_bytes},
                                      std::pair{"--chunk", o.tuning.read_chunk_bytes}})
      a.insert(a.end(), {name, std::to_string(value)});
    if (o.threads != 0) a.insert(a.end(), {"--threads", std::to_string(o.threads)});
    return a;
  };
  for (int round = 0; round < rounds; ++round)
    for (const char* const one : cases)
      for (const char* const server : servers) {
        const char* size = std::strchr(one, ':') + 1;
        Child child(program, tuning({"serve", server, "--fetch-bytes", std::to_string(std::atoi(size))}));
        const auto f = run(std::strcmp(server, "raw") != 0, child.address, one, o.tuning);
        if (!f) return std::fprintf(stderr, "%s %s: %s\n", server, one, f.error().text().c_str()), 1;
        seen[one][server].push_back(std::strncmp(one, "unary:1024:1", 12) == 0 && one[12] == 0 ? f->percentile_us(0.5)
                                    : std::strstr(one, ":1024") != nullptr ? f->messages_per_s() : f->mb_per_s());
      }
  std::printf("%-16s %28s %28s   transport/raw\n", "case", "raw: median (least..most)", "transport");
  for (const char* const one : cases) {
    std::printf("%-16s", one);
    std::map<std::string, double> median;
    for (const char* const server : servers) {
      auto& v = seen[one][server];
      std::sort(v.begin(), v.end());
      median[server] = v[v.size() / 2];
      std::printf(" %9.1f (%7.1f..%7.1f)", v[v.size() / 2], v.front(), v.back());
    }
    std::printf("   %.2f\n", median["transport"] / median["raw"]);
  }
  std::printf("unary:1024:1 is p50 in us; other cases of 1024 are messages/s; the rest MB/s\n");
  return 0;
}

}  // namespace
}  // namespace ion::bench

int main(int argc, char** argv) {
  using namespace ion::bench;
  const Options o = read(argc, argv);
  const std::string verb = o.words.empty() ? "" : o.words[0];
  if (verb == "serve" && o.words.size() == 2) return serve(o);
  if (verb == "compare") return compare(argv[0], o);
  if (verb == "load" && o.words.size() == 4) {
    const auto figures = run(o.words[1] == "transport", o.words[2], o.words[3], o.tuning);
    if (!figures) return std::fprintf(stderr, "%s\n", figures.error().text().c_str()), 1;
    print(o.words[3], *figures);
    return 0;
  }
  std::fprintf(stderr, "raw_stream serve raw|transport | load raw|transport ADDRESS CASE | compare [ROUNDS]\n");
  return 2;
}
