// cluster info.
#include "command.h"

namespace ion::cli {
namespace {

int cluster_info(const Arguments&, const Context& context) {
  auto client = connect(context);
  if (!client) return complain("cluster info", client.error());
  const auto info = client->admin().cluster_info(context.timeout);
  if (!info) return complain("cluster info", info.error());
  Table brokers{{{"node"}, {"address"}, {"rack"}, {"version"}}, {}};
  for (const client::BrokerView& b : info->brokers) brokers.rows.push_back({b.node.v, b.address, b.rack, b.version});
  Table problems{{{"part"}, {"writes"}, {"words"}}, {}};
  for (const client::ProblemView& p : info->problems) problems.rows.push_back({p.part, std::string(p.stops_writes ? "refused" : "taken"), p.words});
  Table table{{{"cluster_id"}, {"controller"}, {"node"}, {"version"}, {"topics"}, {"partitions"}, {"started_ms", Unit::kWallMs, Column::Shown::kAlways, "started"},
               {"record_bytes_max", Unit::kBytes}, {"batch_bytes_max", Unit::kBytes}, {"message_bytes_max", Unit::kBytes}, {"state"}, {"writes"},
               {"brokers"}, {"problems"}},
              {{info->cluster_id, info->controller.v, info->node.v, info->version, info->topics, info->partitions, info->started_ms,
                info->record_bytes_max, info->batch_bytes_max, info->message_bytes_max,
                info->state, std::string(info->refuses_writes ? "refused" : "taken"), std::vector<Table>{std::move(brokers)},
                std::vector<Table>{std::move(problems)}}},
              Table::Shape::kOne};
  return deliver("cluster info", render(table, context.format));
}

}  // namespace

std::span<const Command> commands_in_cluster() {
  static constexpr Command kCommands[] = {
      {300, "cluster info", "", "Who the brokers are, and what is wrong with the one that answers.", nullptr, cluster_info},
  };
  return kCommands;
}

}  // namespace ion::cli
