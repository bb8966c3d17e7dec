// What a log promises that keeps a copy of the changelogs on its own disk.
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::conformance;

namespace {

using texts = std::vector<std::string>;

} // namespace

TEST_CASE(
    "a copy of another cluster is not taken for the changelog of this one",
    "[conformance][log][copy]") {
  // Fewer, as many, and more than the copy has.
  const auto others =
      GENERATE(texts{"x"}, texts{"x", "y"}, texts{"x", "y", "z"});
  const auto fixture = make_log_fixture();
  {
    log_life life{fixture->open()};
    life.append(at(changelog_topic, 0), {"a", "b"});
    CHECK(life.values_of(at(changelog_topic, 0)) == texts{"a", "b"});
  }
  fixture->replace_cluster();
  {
    log_life life{fixture->open_elsewhere()};
    life.append(at(changelog_topic, 0), others);
  }
  log_life life{fixture->open()};
  CHECK(life.values_of(at(changelog_topic, 0)) == others);
  life.append(at(changelog_topic, 0), {"on"});
  texts all = others;
  all.emplace_back("on");
  CHECK(life.values_of(at(changelog_topic, 0)) == all);
}

TEST_CASE("a copy lacks what another machine has written since, and gets it",
          "[conformance][log][copy]") {
  const auto fixture = make_log_fixture();
  {
    log_life life{fixture->open()};
    life.append(at(changelog_topic, 0), {"a", "b"});
  }
  {
    log_life life{fixture->open_elsewhere()};
    CHECK(life.values_of(at(changelog_topic, 0)) == texts{"a", "b"});
    life.append(at(changelog_topic, 0), {"c"});
  }
  log_life life{fixture->open()};
  CHECK(life.values_of(at(changelog_topic, 0)) == texts{"a", "b", "c"});
}
