#include "sim/stage.h"

#include <fmt/format.h>

#include <algorithm>

namespace ion::sim {

void Trace::line(Instant now, const std::string& text) {
  std::string whole = fmt::format("{:10.3f} ms  {}", static_cast<double>(now.ns) / 1e6, text);
  for (const char c : whole) hash_ = (hash_ ^ static_cast<uint8_t>(c)) * 0x100000001b3ULL;
  if (keep_) lines_.push_back(std::move(whole));
}

void Agenda::at(Instant when, std::function<void()> what) {
  auto* const entry = new Entry{*this, std::move(what)};
  entries_.push_back(entry);
  const auto armed = work_.arm({0}, when, &Agenda::run, entry);
  ION_ASSERT(armed.has_value());
}

void Agenda::run(void* ctx) noexcept {
  auto* const entry = static_cast<Entry*>(ctx);
  Agenda& agenda = entry->agenda;
  if (agenda.ended_) return;
  std::erase(agenda.entries_, entry);
  const std::function<void()> what = std::move(entry->what);
  delete entry;
  what();
}

}  // namespace ion::sim
