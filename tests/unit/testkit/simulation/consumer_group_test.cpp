#include "tests/testkit/simulation/consumer_group.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::simulation;

namespace {

using shards = std::set<std::uint32_t>;

/// A group of four shards and members that answer at once.
struct setting {
  schedule time{1, strategy::in_turn};
  kafka_marks marks;
  consumer_group group{time, marks, "g", {.shard_count = 4}};
  std::map<std::string, consumer_group::assignment> told;

  void join(const std::string& instance, const shards& owned = {},
            bool is_new = false) {
    const auto known = told.find(instance);
    member_identity who{instance, {}, -1};
    if (known != told.end() && !is_new)
      who = identity(instance);
    group.join(who, owned,
               [this, instance](const auto& what) { told[instance] = what; });
  }
  [[nodiscard]] member_identity identity(const std::string& instance) const {
    const auto& of = told.at(instance);
    return {instance, of.member, of.generation};
  }
};

} // namespace

TEST_CASE("one member has all shards", "[simulation]") {
  setting with;
  with.join("a");
  CHECK(with.told["a"].shards == shards{0, 1, 2, 3});
  CHECK(with.group.is_settled());
}

TEST_CASE("a shard goes to another member when its owner has let it go",
          "[simulation]") {
  setting with;
  with.join("a");
  with.join("b");
  CHECK(!with.told.contains("b")); // it waits for a
  CHECK(with.group.heartbeat(with.identity("a"))
        == kafka_error::rebalance_in_progress);
  with.join("a", {0, 1, 2, 3});
  CHECK(with.told["a"].shards == shards{0, 1});
  CHECK(with.told["b"].shards.empty());
  CHECK(!with.group.is_settled());
  with.join("a", {0, 1});
  with.join("b");
  CHECK(with.told["a"].shards == shards{0, 1});
  CHECK(with.told["b"].shards == shards{2, 3});
  CHECK(with.group.is_settled());
}

TEST_CASE("a static member that comes back has what it had, without a "
          "rebalance, and its process before is fenced",
          "[simulation]") {
  setting with;
  with.join("a");
  const auto before = with.identity("a");
  with.join("a", {}, true);
  CHECK(with.told["a"].shards == shards{0, 1, 2, 3});
  CHECK(with.told["a"].generation == before.generation);
  CHECK(with.group.heartbeat(before) == kafka_error::fenced_instance_id);
}

TEST_CASE("a member that is not heard of loses its shards", "[simulation]") {
  setting with;
  with.join("a");
  with.time.run_for(5s);
  CHECK(with.group.heartbeat(with.identity("a")) == kafka_error::none);
  with.time.run_for(5s);
  CHECK(with.group.member_count() == 1);
  with.time.run_for(2s);
  CHECK(with.group.member_count() == 0);
  CHECK(with.group.heartbeat(with.identity("a"))
        == kafka_error::unknown_member_id);
}

TEST_CASE("offsets of an old generation and of strangers are refused, and none "
          "are not checked",
          "[simulation]") {
  setting with;
  with.join("a");
  const auto old = with.identity("a");
  const group_offsets offsets{{{0, 1}, next_offset{5}}};
  CHECK(with.group.commit({1, 0}, old, offsets) == kafka_error::none);
  with.group.rebalance();
  with.join("a", with.told["a"].shards);
  CHECK(with.group.commit({1, 0}, old, offsets)
        == kafka_error::illegal_generation);
  CHECK(with.group.commit({1, 0}, {"z", "z-1", 1}, offsets)
        == kafka_error::unknown_member_id);
  CHECK(with.group.commit({1, 0}, old, {}) == kafka_error::none);
}

TEST_CASE("offsets are stable when the transaction that wrote them has ended",
          "[simulation]") {
  setting with;
  with.join("a");
  const bool commits = GENERATE(true, false);
  with.group.commit({1, 0}, with.identity("a"), {{{0, 2}, next_offset{5}}});
  CHECK(!with.group.offsets_stable(2));
  CHECK(with.group.offsets_stable(1));
  CHECK(!with.group.offset({0, 2}));
  with.group.end_transaction({1, 0}, commits);
  CHECK(with.group.offsets_stable(2));
  CHECK(with.group.offset({0, 2}).has_value() == commits);
}

TEST_CASE("what a member claims from before a rebalance that it missed is void",
          "[simulation]") {
  setting with;
  with.join("a");
  with.join("b");
  with.time.run_for(5s); // a is waited for
  (void)with.group.heartbeat(with.identity("a"));
  with.time.run_for(2s);
  REQUIRE(with.told.contains("b"));
  CHECK(with.told["b"].shards.empty()); // a has them still
  with.join("a", {0, 1, 2, 3});
  with.join("b");
  CHECK(with.told["a"].generation > with.told["b"].generation - 1);
  CHECK(with.told["a"].shards.size() == 2);
  CHECK(with.told["b"].shards.size() == 2); // at once: nobody holds them
}
