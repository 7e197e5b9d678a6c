// A logger that remembers its lines as text: "WARN torn tail cut log=p/a/0 next=12". Any thread.
#pragma once
#include <ion/ports.h>

#include <mutex>
#include <string>
#include <vector>

namespace ion::test {

class RecordingLog final : public Logger {
 public:
  void write(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) override {
    static constexpr const char* kNames[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    std::string line = std::string(kNames[static_cast<int>(level)]) + " " + std::string(text);
    for (const LogField& f : fields) line += " " + std::string(f.key) + "=" + f.value;
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  size_t count(std::string_view part) const {
    const std::lock_guard lock(mutex_);
    size_t n = 0;
    for (const std::string& line : lines_) n += line.find(part) != std::string::npos ? 1 : 0;
    return n;
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    std::string all;
    for (const std::string& line : lines_) all += line + "\n";
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace ion::test
