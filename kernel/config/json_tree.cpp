#include "config/json_tree.h"

#include "config/key_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

namespace ion::config {
namespace {

using Json = nlohmann::json;
constexpr size_t kShownBytesMax = 60;

// Line and column, from 1, of a byte; columns count characters of UTF-8.
struct Place {
  uint32_t line = 1, column = 1;
};
Place place_of(std::string_view text, size_t at) {
  Place place;
  for (size_t i = 0; i < std::min(at, text.size()); ++i) {
    if (text[i] == '\n') ++place.line, place.column = 1;
    else if ((static_cast<uint8_t>(text[i]) & 0xc0) != 0x80) ++place.column;
  }
  return place;
}

// Reads the text for the library and tells how far it has read: its events carry no position.
class TrackedText {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  TrackedText(const char* at, const char** read_to) : at_(at), read_to_(read_to) {}
  reference operator*() const { return *at_; }
  TrackedText& operator++() {
    *read_to_ = ++at_;
    return *this;
  }
  TrackedText operator++(int) {
    TrackedText before = *this;
    ++*this;
    return before;
  }
  bool operator==(const TrackedText& other) const { return at_ == other.at_; }
  bool operator!=(const TrackedText& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** read_to_;
};

// Builds the tree from the events of the parser. The open containers stand on a stack; a pointer into a parent stays good
// because a parent grows only when its open child is complete.
class TreeBuilder : public nlohmann::json_sax<Json> {
 public:
  TreeBuilder(std::string_view text, const Origin& origin, std::string_view path) : text_(text), origin_(origin), root_path_(path) {}

  const char* read_to = nullptr;
  std::optional<Status> refused;
  Node root;

  bool null() override { return place(Kind::kNull) != nullptr; }
  bool boolean(bool value) override {
    Node* node = place(Kind::kBool);
    if (node != nullptr) node->truth = value;
    return node != nullptr;
  }
  bool number_integer(number_integer_t value) override {
    Node* node = place(Kind::kInteger);
    if (node != nullptr) node->integer = value;
    return node != nullptr;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > INT64_MAX) return number_float(static_cast<double>(value), {});
    return number_integer(static_cast<int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t&) override {
    Node* node = place(Kind::kNumber);
    if (node != nullptr) node->number = value;
    return node != nullptr;
  }
  bool string(string_t& value) override {
    Node* node = place(Kind::kText);
    if (node != nullptr) node->text = std::move(value);
    return node != nullptr;
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Kind::kObject); }
  bool start_array(std::size_t) override { return open(Kind::kList); }
  bool end_object() override { return open_.pop_back(), true; }
  bool end_array() override { return open_.pop_back(), true; }
  bool key(string_t& key) override;
  bool parse_error(std::size_t position, const std::string& last_token, const nlohmann::detail::exception& e) override;

 private:
  // A number is known to be over only when the byte behind it has been read; that byte may be on the next line.
  uint32_t line_here() {
    size_t end = read_to == nullptr ? 0 : static_cast<size_t>(read_to - text_.data());
    if (end > 0 && text_[end - 1] == '\n') --end;
    for (; counted_to_ < end; ++counted_to_)
      if (text_[counted_to_] == '\n') ++line_;
    return line_;
  }
  bool refuse(std::string_view words) {
    refused = Status(ION_E_INVALID, fmt::format("{}:{}: {}", origin_.source, line_here(), words));
    return false;
  }
  Node* place(Kind kind) {
    Node* node = &root;
    std::string path = root_path_;
    if (!open_.empty() && open_.back()->is(Kind::kList)) {
      path = item_path(open_.back()->path, open_.back()->items.size());
      node = &open_.back()->items.emplace_back();
    } else if (!open_.empty()) {
      node = &open_.back()->members.back().value;
      path = std::move(node->path);
    }
    node->kind = kind;
    node->path = std::move(path);
    node->origin = origin_;
    if (node->origin.layer == Layer::kFile) node->origin.line = line_here();
    return node;
  }
  bool open(Kind kind) {
    if (open_.size() == kDepthMax) return refuse(fmt::format("wanted at most {} levels of nesting, found more", kDepthMax));
    open_.push_back(place(kind));
    return true;
  }

  std::string_view text_;
  Origin origin_;
  std::string root_path_;
  std::vector<Node*> open_;
  size_t counted_to_ = 0;
  uint32_t line_ = 1;
};

bool TreeBuilder::key(string_t& key) {
  Node& object = *open_.back();
  std::string path = member_path(object.path, key);
  if (const Node* first = object.find(key); first != nullptr)
    return refuse(first->origin.line == 0 ? fmt::format("{}: the key is there twice", path)
                                          : fmt::format("{}: the key is there twice, first in line {}", path, first->origin.line));
  if (object.members.size() == kMembersMax) return refuse(fmt::format("{}: wanted at most {} keys, found more", object.path, kMembersMax));
  Member& member = object.members.emplace_back();
  member.key = std::move(key);
  member.value.path = std::move(path);
  return true;
}

// How many bytes back the offending token begins. The library's own text of the last token is exact only for texts and
// numbers; before anything else it also holds what was read over.
size_t token_bytes(std::string_view found, std::string_view last_token, std::string_view read) {
  if (found == "true literal" || found == "null literal") return 4;
  if (found == "false literal") return 5;
  const bool exact = (found == "string literal" || found == "number literal") && read.ends_with(last_token);
  return exact ? std::max<size_t>(last_token.size(), 1) : 1;
}

// What the library says, taken apart: "... syntax error while parsing value - unexpected '}'; expected string literal", or
// "... - invalid literal; last read: '"hunter2'; expected ...". What was read last is dropped: a broken text may be a secret,
// and the place is enough to find it.
struct Complaint {
  std::string found, wanted = "valid JSON";
};
Complaint taken_apart(std::string_view what) {
  constexpr std::string_view kDash = " - ", kUnexpected = "unexpected ", kLast = "; last read: ", kExpected = "; expected ";
  Complaint c;
  if (const size_t dash = what.find(kDash); dash != std::string_view::npos) what.remove_prefix(dash + kDash.size());
  else what.remove_prefix(std::min(what.find("] ") + 2, what.size()));  // "[json.exception...] number overflow parsing '1e999'"
  if (what.starts_with(kUnexpected)) what.remove_prefix(kUnexpected.size());
  const size_t last = what.find(kLast), expected = what.rfind(kExpected);
  if (expected != std::string_view::npos) c.wanted = what.substr(expected + kExpected.size());
  c.wanted = c.wanted.substr(0, c.wanted.find(kLast));
  c.found = what.substr(0, std::min(last, expected));
  return c;
}

// Its position is the number of bytes read, so the end of the offending token.
bool TreeBuilder::parse_error(std::size_t position, const std::string& last_token, const nlohmann::detail::exception& e) {
  const std::string_view read = text_.substr(0, position);
  const Complaint complaint = taken_apart(e.what());
  const std::string& found = complaint.found;
  size_t start = found == "end of input" ? read.size() : read.size() - std::min(read.size(), token_bytes(found, last_token, read));
  if (found == "invalid literal") {  // noticed one byte too late; the word begins further left
    const auto in_word = [&](size_t at) { return read[at] != '"' && read[at] != ':' && read[at] != ',' && static_cast<uint8_t>(read[at]) > ' '; };
    while (start > 0 && in_word(start - 1) && read[start - 1] != '{' && read[start - 1] != '[') --start;
  }
  const size_t before = start == 0 ? std::string_view::npos : read.find_last_not_of(" \t\r\n", start - 1);
  const bool closes = found == "'}'" || found == "']'";
  const bool after_comma = closes && before != std::string_view::npos && read[before] == ',';
  const Place place = place_of(text_, start);
  refused = Status(ION_E_INVALID, fmt::format("{}:{}:{}: wanted {}, found {}{}", origin_.source, place.line, place.column, complaint.wanted, found,
                                              after_comma ? " (the comma before it must go)" : ""));
  return false;
}

}  // namespace

Result<Node> parse_jsonc(std::string_view text, const Origin& origin, std::string_view path) {
  if (text.size() > kTextBytesMax)
    return Status(ION_E_INVALID, fmt::format("{}: wanted at most {} bytes, found {}", origin.source, kTextBytesMax, text.size()));
  TreeBuilder builder(text, origin, path);
  const TrackedText first(text.data(), &builder.read_to), last(text.data() + text.size(), &builder.read_to);
  if (Json::sax_parse(first, last, &builder, nlohmann::detail::input_format_t::json, true, true)) return std::move(builder.root);
  return builder.refused.value_or(Status(ION_E_INVALID, fmt::format("{}: not JSON", origin.source)));
}

Node parse_untyped(std::string_view text, const Origin& origin, std::string_view path) {
  Result<Node> parsed = parse_jsonc(text, origin, path);
  Node node = parsed ? *std::move(parsed) : make_text(text, std::string(path), origin);
  node.untyped = node.is_scalar();
  if (node.untyped && !node.is(Kind::kText)) node.text = text;
  return node;
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kNull: return "null";
    case Kind::kBool: return "boolean";
    case Kind::kInteger: return "integer";
    case Kind::kNumber: return "number";
    case Kind::kText: return "text";
    case Kind::kList: return "list";
    case Kind::kObject: return "object";
  }
  return "unknown";
}

std::string Origin::text() const {
  switch (layer) {
    case Layer::kDefault: return source.empty() ? "default" : source;
    case Layer::kFile: return line == 0 ? source : fmt::format("{}:{}", source, line);
    case Layer::kEnvironment: return "environment " + source;
    case Layer::kFlag: return source;
  }
  return source;
}

const Node* Node::find(std::string_view key) const {
  const auto at = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.key == key; });
  return at == members.end() ? nullptr : &at->value;
}
Node* Node::find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).find(key)); }

Node& Node::member(std::string_view key) {
  if (Node* there = find(key); there != nullptr) return *there;
  Member& made = members.emplace_back();
  made.key = key;
  made.value.path = member_path(path, key);
  made.value.origin = origin;
  return made.value;
}

Node make_object(std::string path, Origin origin) {
  Node node;
  node.kind = Kind::kObject;
  node.path = std::move(path);
  node.origin = std::move(origin);
  return node;
}

Node make_text(std::string_view text, std::string path, Origin origin) {
  Node node;
  node.kind = Kind::kText;
  node.text = text;
  node.path = std::move(path);
  node.origin = std::move(origin);
  return node;
}

std::string shown(const Node& node) {
  if (node.secret) return std::string(kind_name(node.kind)) + " ***";
  switch (node.kind) {
    case Kind::kNull: return "null";
    case Kind::kBool: return node.truth ? "true" : "false";
    case Kind::kInteger: return fmt::format("{}", node.integer);
    case Kind::kNumber: return fmt::format("{}", node.number);
    case Kind::kText:
      return node.text.size() <= kShownBytesMax ? fmt::format("\"{}\"", node.text)
                                                : fmt::format("\"{}...\"", node.text.substr(0, kShownBytesMax));
    case Kind::kList: return "a list";
    case Kind::kObject: return "an object";
  }
  return "something else";
}

}  // namespace ion::config
