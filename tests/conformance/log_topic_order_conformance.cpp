// What a log promises that remembers in which order its topics were made.
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::conformance;

TEST_CASE("the reader shows topics in the order in which they were made",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  { log_life life{fixture->open()}; }
  auto layout = make_layout();
  layout.topics.insert(layout.topics.begin(),
                       {"added", 2, ports::topic_role::output, {}});
  log_life life{fixture->open(), layout};
  life.append(at(topic_index{0}, 1), {"of the added topic"});
  const auto reader = fixture->open_reader();
  const auto topics = reader->topics();
  REQUIRE(topics.has_value());
  std::vector<std::string> names;
  for (const auto& each : *topics)
    names.push_back(each.spec.name);
  CHECK(names
        == std::vector<std::string>{"commands", "inbox", "changelog", "outputs",
                                    "added"});
  const auto read = reader->read(at(topic_index{4}, 1), next_offset{0}, 1000);
  REQUIRE(read.has_value());
  REQUIRE((*read)->records.size() == 1);
  CHECK((*read)->records[0].value == "of the added topic");
}
