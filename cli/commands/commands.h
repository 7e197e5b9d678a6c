// The public headers of the files in this folder, for the table alone.
#pragma once
#include "command.h"

namespace ion::cli {

void declare_topic_create(OptionSet& options);
void declare_topic_list(OptionSet& options);
void declare_topic_describe(OptionSet& options);
void declare_topic_delete(OptionSet& options);
int topic_create(const Arguments& arguments, const Context& context);
int topic_list(const Arguments& arguments, const Context& context);
int topic_describe(const Arguments& arguments, const Context& context);
int topic_delete(const Arguments& arguments, const Context& context);

void declare_produce(OptionSet& options);
int produce(const Arguments& arguments, const Context& context);
void declare_consume(OptionSet& options);
int consume(const Arguments& arguments, const Context& context);

void declare_nothing(OptionSet& options);
int cluster_info(const Arguments& arguments, const Context& context);
int plugin_list(const Arguments& arguments, const Context& context);
void declare_plugin_inspect(OptionSet& options);
int plugin_inspect(const Arguments& arguments, const Context& context);
void declare_config_check(OptionSet& options);
int config_check(const Arguments& arguments, const Context& context);
int version(const Arguments& arguments, const Context& context);

void declare_bench(OptionSet& options);
int bench_produce(const Arguments& arguments, const Context& context);
int bench_consume(const Arguments& arguments, const Context& context);
void declare_serve(OptionSet& options);
int bench_serve_null(const Arguments& arguments, const Context& context);
int bench_serve_raw(const Arguments& arguments, const Context& context);

}  // namespace ion::cli
