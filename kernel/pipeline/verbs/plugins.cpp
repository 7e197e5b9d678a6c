// plugin_list, plugin_replace.
#include "pipeline/verb_paths.h"

#include <cstdio>

namespace ion::pipeline {

Answer VerbPaths::plugin_list(Op& op, const ion_plugin_req& r, ion_admin_answer& a) {
  struct Wanted {
    const ion_plugin_req& request;
    bool found = false;
    std::string names = {};
  } wanted{r};
  const auto each = [](void* ctx, const ion_plugin_info* p) noexcept {
    auto& w = *static_cast<Wanted*>(ctx);
    if (w.request.name.n != 0 && text_of(w.request.name) != text_of(p->name)) return (void)w.names.append(w.names.empty() ? "" : ", ").append(text_of(p->name));
    w.found = true;
    if (w.request.each != nullptr) w.request.each(w.request.ctx, p);
  };
  if (plugins_.each) plugins_.each(each, &wanted);
  if (r.name.n == 0 || wanted.found) return op.ok();
  return refuse(op, a.error, {ION_E_NOT_FOUND, "no plugin is named " + std::string(text_of(r.name)) + "; there are " + wanted.names, "PLUGIN_NOT_FOUND"});
}

Answer VerbPaths::plugin_replace(Op& op, const ion_replace_req& r, ion_replace_answer& a) {
  if (r.name.n == 0) return refuse(op, a.error, {ION_E_INVALID, "no plugin is named", "NO_PLUGIN"});
  auto later = std::make_shared<Later>(op.later());  // shared: std::function copies
  plugins_.replace(std::string(text_of(r.name)), std::string(text_of(r.path)), [later, &a](const Result<ReplacedPlugin>& done) {
    if (!done) return explain(a.error, done.error()), later->fail(done.error());
    a.generation = done->generation;
    a.flags = (done->old_stays ? ION_REPLACE_OLD_STAYS : 0) | (done->other_at_restart ? ION_REPLACE_OTHER_AT_RESTART : 0);
    std::snprintf(a.version, sizeof a.version, "%s", done->version.c_str());
    std::snprintf(a.old_version, sizeof a.old_version, "%s", done->old_version.c_str());
    std::snprintf(a.file, sizeof a.file, "%s", done->file.c_str());
    later->ok();
  });
  return op.pending();
}

}  // namespace ion::pipeline
