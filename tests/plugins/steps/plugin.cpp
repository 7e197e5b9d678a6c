// Its steps fail, throw or hang as the configuration says. What hangs goes on when the descriptor `wait_fd` ends.
#include "../test_contract.h"

#include <ion/plugin.h>

#include <unistd.h>

#include <stdexcept>

namespace {

struct StepsConfig {
  std::string create = "ok", start = "ok", reconfigure = "ok", drain = "ok";
  uint32_t wait_fd = 0;
  static constexpr auto rows() {
    return std::tuple{
        ion::row("create", &StepsConfig::create, {"ok", "fail", "throw", "hang"}, "what create does"),
        ion::row("start", &StepsConfig::start, {"ok", "fail", "throw", "hang", "give_up"}, "what start does"),
        ion::row("reconfigure", &StepsConfig::reconfigure, {"ok", "fail", "throw", "hang"}, "what reconfigure does", ion::kReloadable),
        ion::row("drain", &StepsConfig::drain, {"ok", "fail", "throw", "late", "take_and_throw"}, "what drain does"),
        ion::row("wait_fd", &StepsConfig::wait_fd, ion::kCount, 0, 1 << 20, "a pipe; its end lets a hanging step go on")};
  }
};

void hang(uint32_t fd) {
  char byte = 0;
  while (::read(static_cast<int>(fd), &byte, 1) == 1) continue;
}

class Steps {
 public:
  using Config = StepsConfig;
  Steps(ion::Host host, StepsConfig config) : host_(host), config_(std::move(config)) {}

  static ion::Result<std::unique_ptr<Steps>> create(ion::Host host, StepsConfig config) {
    if (config.create == "fail") return ion::Status(ION_E_NO_SPACE, "wanted 7 widgets, have 3");
    if (config.create == "throw") throw std::runtime_error("no widgets at all");
    if (config.create == "hang") hang(config.wait_fd);
    return std::make_unique<Steps>(host, std::move(config));
  }
  ion::Status start() {
    if (config_.start == "fail") return {ION_E_BUSY, "widget 4 is in use"};
    if (config_.start == "throw") throw std::logic_error("widgets are upside down");
    if (config_.start == "hang") hang(config_.wait_fd);
    if (config_.start == "give_up") host_.fault(ion::Status(ION_E_IO, "widget 5 burned down"));
    return {};
  }
  ion::Status reconfigure(StepsConfig config) {
    if (config.reconfigure == "fail") return {ION_E_INVALID, "widget 8 does not fit"};
    if (config.reconfigure == "throw") throw std::runtime_error("widgets are too hot");
    if (config.reconfigure == "hang") hang(config.wait_fd);
    ++reconfigured_;
    return {};
  }
  ion::Answer drain(ion::Op& op) {
    if (config_.drain == "fail") return op.refuse(ion::Status(ION_E_BUSY, "widget 6 will not stop"));
    if (config_.drain == "throw") throw std::logic_error("widgets fell down");
    if (config_.drain == "late") return late_ = op.later(), op.pending();
    if (config_.drain == "take_and_throw") {
      const ion::Later later = op.later();
      throw std::logic_error("after it took the completion");
    }
    return op.ok();
  }
  const void* table(std::string_view contract) { return contract == ION_TEST_PROBE_ID ? &kProbe : nullptr; }

 private:
  static ion_status ask(void* self, ion_bytes what, uint64_t* out) noexcept {
    if (ion::text_of(what) != "reconfigured") return ION_E_NOT_FOUND;
    *out = static_cast<Steps*>(self)->reconfigured_;
    return ION_OK;
  }
  static ion_status tell(void* self, ion_bytes what) noexcept {
    if (ion::text_of(what) != "finish_drain") return ION_E_NOT_FOUND;
    static_cast<Steps*>(self)->late_.ok();
    return ION_OK;
  }
  static constexpr ion_test_probe kProbe{sizeof(ion_test_probe), 0, &ask, &tell};
  const ion::Host host_;
  const StepsConfig config_;
  ion::Later late_;
  uint64_t reconfigured_ = 0;
};

}  // namespace

ION_PLUGIN(Steps, "ion.test.steps", "0.1.0", "ion.test.probe/1", "")
