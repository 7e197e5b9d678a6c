// A checked configuration, complete and immutable: what the broker runs on until a reload makes the next one. A reload that does
// not check keeps this one. Any thread.
#pragma once
#include "config/json_text.h"
#include "config/rows_reader.h"
#include "config/schema.h"

#include <ion/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace ion::config {

// A plugin's `config` object after the check against the plugin's own schema.
struct CheckedConfig {
  Node tree;
  std::string json;  // for `create`: defaults filled in, bytes and nanoseconds as whole numbers. Holds secrets: never logged
};

// The schema comes from the note of the plugin's file; `plugin` names it in messages. All problems, one per line.
Result<CheckedConfig> check_plugin_config(const Node& config, std::string_view plugin, std::string_view schema_text);

struct Change {
  std::string path;
  bool reloadable = false;  // false: needs a restart
};
// Every value that differs between two checked nodes, by path, also a key that is on one side only, and an object whose keys changed their order.
std::vector<Change> changes_between(const Node& before, const Node& after);
// `running` with those values of `next` that may change without a restart. Both were checked against the same schema.
CheckedConfig with_reloadable(const Node& running, const Node& next);

class ConfigSnapshot {
 public:
  explicit ConfigSnapshot(Node checked) : tree_(std::move(checked)) {}

  const Node& tree() const { return tree_; }
  // nullptr when there is no such key.
  const Node* find(std::string_view path) const;
  // A section by the struct of its rows; a section that no schema has joined is NOT_FOUND.
  template <class C>
  Result<C> section(std::string_view path) const {
    const Node* node = find(path);
    if (node == nullptr || !node->is(Kind::kObject)) return Status(ION_E_NOT_FOUND, std::string(path) + ": no such section");
    return read_rows<C>(*node);
  }
  // Secrets masked; what no schema has seen is masked too.
  std::string print() const { return json_text(tree_, Look::kPretty) + "\n"; }
  // Each value that is in force below `path` (empty: all), section by section: scalars, lists, objects without keys. Each knows its
  // path and who said it. Empty: there is no such path.
  std::vector<const Node*> settings(std::string_view path = {}) const;

  // The same with the checked config of a plugin in its place, so that it can be printed and compared.
  ConfigSnapshot with_plugin(std::string_view name, const CheckedConfig& checked) const;
  std::vector<Change> changes_to(const ConfigSnapshot& next) const { return changes_between(tree_, next.tree_); }

 private:
  Node tree_;
};

}  // namespace ion::config
