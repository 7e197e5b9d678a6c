// A JSONC text (JSON with comments, no trailing commas) as a tree in which every value knows its key path and who said it.
// Objects keep the order of their text: the order of `plugins` is the order of the interceptors.
// Bounds: kTextBytesMax, kDepthMax, kMembersMax. Values only; any thread.
#pragma once
#include <ion/config_rows.h>
#include <ion/result.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ion::config {

constexpr size_t kTextBytesMax = 4 << 20;
constexpr size_t kDepthMax = 32;
constexpr size_t kMembersMax = 4096;  // of one object; duplicates are found by a walk

enum class Kind : uint8_t { kNull, kBool, kInteger, kNumber, kText, kList, kObject };
std::string_view kind_name(Kind kind);

// The layers of a configuration; a later one wins.
enum class Layer : uint8_t { kDefault, kFile, kEnvironment, kFlag };

// Who said a value. `source` is a file, the name of a variable, or a flag as it was typed.
struct Origin {
  Layer layer = Layer::kDefault;
  std::string source;
  uint32_t line = 0;  // 0: not from a file
  std::string text() const;
};

struct Member;
struct Node {
  Kind kind = Kind::kNull;
  bool truth = false;
  int64_t integer = 0;
  double number = 0;
  std::string text;  // of a text; of a scalar that is `untyped` what was written
  std::vector<Member> members;
  std::vector<Node> items;

  std::string path;  // "plugins.dlq.config.listen"; empty for the root
  Origin origin;
  bool untyped = false;  // from a variable, a flag or a ${…}: the text 9640 may be meant as a number
  bool broken = false;   // its problem has been told; the check passes it over

  // Filled in by the check against a schema.
  bool secret = false;      // never printed
  bool unchecked = false;   // no schema has seen it yet: nothing in it is printed, a secret might be among it
  bool reloadable = false;  // may change without a restart
  Unit unit = Unit::kNone;

  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  // The member, made as null when it is not there.
  Node& member(std::string_view key);
  bool is(Kind k) const { return kind == k; }
  bool is_scalar() const { return kind != Kind::kList && kind != Kind::kObject; }
};
struct Member {
  std::string key;
  Node value;
};

Node make_object(std::string path, Origin origin);
Node make_text(std::string_view text, std::string path, Origin origin);

// Errors name source, line and column, what was wanted and what was there: "a.jsonc:3:5: wanted ..., found ...".
// `path` is the path of the root: a fragment may be a part of a larger tree.
Result<Node> parse_jsonc(std::string_view text, const Origin& origin, std::string_view path = {});
// Of a value in a variable or a flag: JSON if it is JSON, else text; remembers what was written.
Node parse_untyped(std::string_view text, const Origin& origin, std::string_view path);

// "text \"debug\"", "integer 7", "an object": for messages. A secret is not shown.
std::string shown(const Node& node);

}  // namespace ion::config
