// The test suite of JSON Schema draft 7, of Debian's package json-schema-test-suite: each group of a file is compiled and asked.
#include "io/schema.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace ion::json_schema_check {
namespace {

constexpr const char* kSuite = "/usr/share/json-schema-test-suite/tests/draft7";
// Groups whose schema leads out of itself: refused with the reference.
const std::set<std::string> kOfOtherDocuments = {
    "remote ref, containing refs itself", "Recursive references between schemas", "Location-independent identifier",
    "Location-independent identifier with absolute URI", "Location-independent identifier with base URI change in subschema", "refs with quote",
    "valid definition", "invalid definition", "validate definition against metaschema", "$ref to boolean schema true", "naive replacement of $ref with its value"};
// Its definitions stand under keywords of its own, which are refused.
constexpr const char* kOwnKeywords = "escaped pointer ref";

TEST(Draft7, its_suite_passes_but_for_references_to_other_documents) {
  if (!std::filesystem::exists(kSuite)) GTEST_SKIP() << "json-schema-test-suite is not installed";
  size_t asked = 0;
  for (const auto& file : std::filesystem::directory_iterator(kSuite)) {
    if (file.path().extension() != ".json" || file.path().stem() == "refRemote") continue;
    std::ifstream in(file.path());
    for (const Json& group : Json::parse(in)) {
      const std::string name = group.at("description");
      const auto schema = Schema::compile(group.at("schema"));
      if (!schema) {
        const bool other_document = kOfOtherDocuments.count(name) == 1 && schema.error().message().find("$ref") != std::string::npos;
        EXPECT_TRUE(other_document || name == kOwnKeywords)
            << file.path().stem() << ": " << name << ": " << schema.error().text();
        continue;
      }
      for (const Json& test : group.at("tests")) {
        const auto problem = (*schema)->problem_of(test.at("data"));
        EXPECT_EQ(!problem.has_value(), test.at("valid").get<bool>())
            << file.path().stem() << ": " << name << ": " << test.at("description") << ": " << problem.value_or("matches");
        ++asked;
      }
    }
  }
  EXPECT_GT(asked, 350u);
}

}  // namespace
}  // namespace ion::json_schema_check
