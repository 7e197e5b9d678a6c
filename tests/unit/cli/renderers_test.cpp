#include "renderers.h"

#include <gtest/gtest.h>

namespace ion::cli {
namespace {

Table topics() {
  constexpr auto kInJson = Column::Shown::kInJson;
  return {{{"name"}, {"partitions"}, {"bytes", Unit::kBytes}, {"config"}, {"uuid", Unit::kNone, kInJson}},
          {{std::string("a"), uint64_t{12}, uint64_t{1536}, std::vector<Pair>{{"durability", "os"}, {"segment.bytes", "1", kInJson}}, std::string("id-1")},
           {std::string("longer"), uint64_t{3}, uint64_t{7}, std::vector<Pair>{}, std::string("id-2")}}};
}

TEST(Renderers, text_is_aligned_and_has_units) {
  EXPECT_EQ(render(topics(), Format::kText),
            "NAME    PARTITIONS  BYTES    CONFIG\n"
            "a               12  1.5 KiB  durability=os\n"
            "longer           3        7  -\n");
}

TEST(Renderers, json_is_raw_and_whole) {
  EXPECT_EQ(render(topics(), Format::kJson),
            R"([{"name":"a","partitions":12,"bytes":1536,"config":{"durability":"os","segment.bytes":"1"},"uuid":"id-1"},)"
            R"({"name":"longer","partitions":3,"bytes":7,"config":{},"uuid":"id-2"}])"
            "\n");
}

TEST(Renderers, an_empty_answer_is_an_empty_list) {
  Table none = topics();
  none.rows.clear();
  EXPECT_EQ(render(none, Format::kJson), "[]\n");
  EXPECT_EQ(render(none, Format::kText), "NAME  PARTITIONS  BYTES  CONFIG\n");
}

TEST(Renderers, one_object_is_shown_downwards_and_its_rows_below) {
  const Table inner{{{"node"}}, {{uint64_t{1}}}};
  const Table one{{{"cluster_id"}, {"brokers"}}, {{std::string("c"), std::vector<Table>{inner}}}, Table::Shape::kOne};
  EXPECT_EQ(render(one, Format::kText), "CLUSTER-ID  c\n\nbrokers\nNODE\n   1\n");
  EXPECT_EQ(render(one, Format::kJson), "{\"cluster_id\":\"c\",\"brokers\":[{\"node\":1}]}\n");
}

TEST(Renderers, a_missing_cell_is_a_dash_or_null) {
  const Table table{{{"name"}, {"offset"}}, {{std::string("a"), Cell()}}};
  EXPECT_EQ(render(table, Format::kText), "NAME  OFFSET\na     -\n");
  EXPECT_EQ(render(table, Format::kJson), "[{\"name\":\"a\",\"offset\":null}]\n");
}

TEST(Renderers, bytes_that_are_not_utf8_do_not_break_json) {
  const Table table{{{"name"}}, {{std::string("\xff")}}};
  EXPECT_EQ(render(table, Format::kJson), "[{\"name\":\"\xef\xbf\xbd\"}]\n");
}

}  // namespace
}  // namespace ion::cli
