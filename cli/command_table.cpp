#include "command.h"
#include "commands/commands.h"

namespace ion::cli {

namespace {
constexpr Command kCommands[] = {
    {"topic create", "NAME...", "Makes topics.", declare_topic_create, topic_create},
    {"topic list", "[PREFIX]", "All topics, or those whose name begins so.", declare_topic_list, topic_list},
    {"topic describe", "NAME...", "Settings and partitions.", declare_topic_describe, topic_describe},
    {"topic delete", "NAME...", "Deletes topics and their records.", declare_topic_delete, topic_delete},
    {"produce", "TOPIC", "Sends what comes in on stdin, a record per line.", declare_produce, produce},
    {"consume", "TOPIC...", "Prints records, and waits for more.", declare_consume, consume},
    {"cluster info", "", "Who the brokers are.", declare_nothing, cluster_info},
    {"plugin list", "", "What the broker has loaded.", declare_nothing, plugin_list},
    {"plugin inspect", "FILE", "What a plugin file says about itself; its code does not run.", declare_plugin_inspect, plugin_inspect},
    {"config check", "[FILE]", "Whether a broker would start with this configuration.", declare_config_check, config_check},
    {"bench produce", "TOPIC", "How fast records go in, against a broker that stores nothing.", declare_bench, bench_produce},
    {"bench consume", "TOPIC", "How fast records come out, against a broker that stores nothing.", declare_bench, bench_consume},
    {"bench serve-null", "", "A broker that stores nothing, in the foreground.", declare_serve, bench_serve_null},
    {"bench serve-raw", "", "A raw gRPC stream without any broker, in the foreground.", declare_serve, bench_serve_raw},
    {"version", "", "The version of this program.", declare_nothing, version},
};
}  // namespace

std::span<const Command> command_table() { return kCommands; }

}  // namespace ion::cli
