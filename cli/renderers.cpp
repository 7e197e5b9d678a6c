#include "renderers.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <ion/assert.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <ctime>

namespace ion::cli {

namespace {

using Json = nlohmann::ordered_json;

template <class... F>
struct Cases : F... {
  using F::operator()...;
};
template <class... F>
Cases(F...) -> Cases<F...>;

Json to_json(const Table& table);

Json to_json(const Cell& cell) {
  return std::visit(Cases{[](std::monostate) { return Json(nullptr); },
                          [](int64_t n) { return Json(n); },
                          [](uint64_t n) { return Json(n); },
                          [](const std::string& s) { return Json(s); },
                          [](const std::vector<std::string>& list) { return Json(list); },
                          [](const std::vector<uint64_t>& list) { return Json(list); },
                          [](const std::vector<Pair>& pairs) {
                            Json object = Json::object();
                            for (const Pair& p : pairs) object[p.key] = p.value;
                            return object;
                          },
                          [](const std::vector<Table>& inner) { return inner.empty() ? Json::array() : to_json(inner.front()); }},
                    cell);
}

Json to_json(const Table& table) {
  Json all = Json::array();
  for (const auto& row : table.rows) {
    ION_ASSERT(row.size() == table.columns.size());
    Json object = Json::object();
    for (size_t i = 0; i < row.size(); ++i) object[table.columns[i].key] = to_json(row[i]);
    all.push_back(std::move(object));
  }
  if (table.shape == Table::Shape::kOne) return all.empty() ? Json::object() : all.front();
  return all;
}

std::string with_unit(uint64_t n, Unit unit) {
  if (unit == Unit::kWallMs) return fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(static_cast<std::time_t>(n / 1000)));
  if (unit != Unit::kBytes || n < 1024) return std::to_string(n);
  static constexpr const char* kNames[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double scaled = static_cast<double>(n) / 1024;
  size_t i = 0;
  for (; scaled >= 1024 && i + 1 < std::size(kNames); ++i) scaled /= 1024;
  return fmt::format("{:.1f} {}", scaled, kNames[i]);
}

std::string to_text(const Cell& cell, Unit unit) {
  const auto text = std::visit(Cases{[](std::monostate) { return std::string(); },
                                     [](int64_t n) { return std::to_string(n); },
                                     [&](uint64_t n) { return with_unit(n, unit); },
                                     [](const std::string& s) { return s; },
                                     [](const std::vector<std::string>& list) { return fmt::format("{}", fmt::join(list, ",")); },
                                     [](const std::vector<uint64_t>& list) { return fmt::format("{}", fmt::join(list, ",")); },
                                     [](const std::vector<Pair>& pairs) {
                                       std::string all;
                                       for (const Pair& p : pairs)
                                         if (p.shown == Column::Shown::kAlways) all += (all.empty() ? "" : ",") + p.key + "=" + p.value;
                                       return all;
                                     },
                                     [](const std::vector<Table>&) { return std::string(); }},
                               cell);
  return text.empty() ? "-" : text;
}

bool is_number(const Cell& cell) { return std::holds_alternative<int64_t>(cell) || std::holds_alternative<uint64_t>(cell); }
bool is_inner(const Cell& cell) { return std::holds_alternative<std::vector<Table>>(cell); }

// Characters, not bytes: names may be UTF-8.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

const std::string& label_of(const Column& column) { return column.label.empty() ? column.key : column.label; }
std::string heading(const Column& column) {
  std::string out = label_of(column);
  for (char& c : out) c = c == '_' ? '-' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::string trimmed(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string downwards(const Table& table) {
  size_t widest = 0;
  for (const Column& c : table.columns) widest = std::max(widest, label_of(c).size());
  std::string out;
  for (const auto& row : table.rows)
    for (size_t i = 0; i < row.size(); ++i)
      if (!is_inner(row[i]) && table.columns[i].shown == Column::Shown::kAlways)
        out += trimmed(fmt::format("{:<{}}  {}", heading(table.columns[i]), widest, to_text(row[i], table.columns[i].unit)));
  return out;
}

std::string sidewards(const Table& table) {
  std::vector<size_t> shown, widths;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const bool inner = std::any_of(table.rows.begin(), table.rows.end(), [&](const auto& row) { return is_inner(row[c]); });
    if (inner || table.columns[c].shown == Column::Shown::kInJson) continue;
    size_t width = label_of(table.columns[c]).size();
    for (const auto& row : table.rows) width = std::max(width, width_of(to_text(row[c], table.columns[c].unit)));
    shown.push_back(c), widths.push_back(width);
  }
  std::string out, line;
  for (size_t i = 0; i < shown.size(); ++i) line += fmt::format("{:<{}}  ", heading(table.columns[shown[i]]), widths[i]);
  out += trimmed(line);
  for (const auto& row : table.rows) {
    line.clear();
    for (size_t i = 0; i < shown.size(); ++i) {
      const std::string text = to_text(row[shown[i]], table.columns[shown[i]].unit);
      const std::string pad(widths[i] - width_of(text), ' ');
      line += (is_number(row[shown[i]]) ? pad + text : text + pad) + "  ";
    }
    out += trimmed(line);
  }
  return out;
}

std::string to_text(const Table& table) {
  std::string out = table.shape == Table::Shape::kOne ? downwards(table) : sidewards(table);
  for (const auto& row : table.rows)
    for (size_t i = 0; i < row.size(); ++i) {
      const auto* inner = std::get_if<std::vector<Table>>(&row[i]);
      if (inner == nullptr || inner->empty()) continue;
      const std::string of = table.shape == Table::Shape::kOne || row.empty() ? "" : to_text(row[0], table.columns[0].unit) + " ";
      out += "\n" + of + label_of(table.columns[i]) + "\n" + to_text(inner->front());
    }
  return out;
}

}  // namespace

std::string render(const Table& table, Format format) {
  if (format == Format::kText) return to_text(table);
  return to_json(table).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ion::cli
