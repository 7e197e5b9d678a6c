// What commands answer: typed rows. The renderers make text for people, or JSON for programs; JSON keys are an API.
// Numbers are raw in JSON; units appear only in text. Thread: any; values only.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace ion::cli {

enum class Format { kText, kJson };
enum class Unit { kNone, kBytes, kWallMs };

struct Column {
  std::string key;  // in JSON as it is; in text in capitals
  Unit unit = Unit::kNone;
  enum class Shown { kAlways, kInJson } shown = Shown::kAlways;
  std::string label = {};  // in text instead of the key
};

struct Pair {
  std::string key, value;
  Column::Shown shown = Column::Shown::kAlways;
};
struct Table;
// Nothing, numbers, text, lists, a map, or rows of their own, which text shows below.
using Cell = std::variant<std::monostate, int64_t, uint64_t, std::string, std::vector<std::string>, std::vector<uint64_t>,
                          std::vector<Pair>, std::vector<Table>>;

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;              // each as long as `columns`
  enum class Shape { kList, kOne } shape = Shape::kList;  // kOne: a single object, shown downwards
};

std::string render(const Table& table, Format format);

}  // namespace ion::cli
