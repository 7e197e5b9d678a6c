#include "config/json_text.h"

#include "config/schema.h"

#include <fmt/format.h>

#include <iterator>

namespace ion::config {
namespace {

constexpr std::string_view kMask = "\"***\"";

void put_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<uint8_t>(c) < 0x20) fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        else out += c;
    }
  }
  out += '"';
}

class Writer {
 public:
  explicit Writer(Look look) : look_(look) {}
  std::string out;

  void value(const Node& node, size_t depth) {
    if (node.is(Kind::kObject)) return object(node, depth);
    if (node.is(Kind::kList) && !masked(node)) return list(node, depth);
    scalar(node);
  }

 private:
  bool masked(const Node& node) const { return look_ != Look::kCompact && (node.secret || node.unchecked); }
  void new_line(size_t depth) {
    if (look_ != Look::kPretty) return;
    out += '\n';
    out.append(depth * 2, ' ');
  }
  void separate(size_t index, size_t count) {
    if (index + 1 < count) out += look_ == Look::kLine ? ", " : ",";
  }
  void object(const Node& node, size_t depth) {
    out += '{';
    for (size_t i = 0; i < node.members.size(); ++i) {
      const Member& m = node.members[i];
      new_line(depth + 1);
      put_quoted(out, m.key);
      out += look_ == Look::kCompact ? ":" : ": ";
      value(m.value, depth + 1);
      separate(i, node.members.size());
    }
    if (!node.members.empty()) new_line(depth);
    out += '}';
  }
  void list(const Node& node, size_t depth) {
    out += '[';
    for (size_t i = 0; i < node.items.size(); ++i) {
      new_line(depth + 1);
      value(node.items[i], depth + 1);
      separate(i, node.items.size());
    }
    if (!node.items.empty()) new_line(depth);
    out += ']';
  }
  void scalar(const Node& node) {
    if (masked(node)) {
      out += kMask;
      return;
    }
    switch (node.kind) {
      case Kind::kBool: out += node.truth ? "true" : "false"; break;
      case Kind::kInteger:
        if (node.unit != Unit::kNone && look_ != Look::kCompact) put_quoted(out, unit_text(node.unit, node.integer));
        else out += std::to_string(node.integer);
        break;
      case Kind::kNumber: out += fmt::format("{}", node.number); break;
      case Kind::kText: put_quoted(out, node.text); break;
      default: out += "null";
    }
  }

  Look look_;
};

}  // namespace

std::string json_text(const Node& node, Look look) {
  Writer writer(look);
  writer.value(node, 0);
  return std::move(writer.out);
}

}  // namespace ion::config
