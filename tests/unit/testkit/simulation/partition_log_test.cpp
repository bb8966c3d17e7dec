#include "tests/testkit/simulation/partition_log.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace freehold;
using namespace freehold::simulation;

namespace {

constexpr producer_session first_producer{1, 0};
constexpr producer_session second_producer{2, 0};
constexpr topic_partition here{topic_index{0}, partition_index{0}};
constexpr std::uint32_t all_bytes = 1U << 20U;

std::shared_ptr<producer_batch> batch_of(std::string_view value) {
  const ports::append one{here, timestamp{0}, "k", value, {}};
  return producer_batch::copy({&one});
}

partition_log::appended append(partition_log& to, producer_session who,
                               std::int32_t sequence, std::string_view value) {
  record_offset at;
  return to.append(who, sequence, batch_of(value), at);
}

std::vector<std::string> values(const partition_log& of,
                                next_offset from = next_offset{0}) {
  std::vector<std::string> all;
  const ports::record_batch_ptr batch = *of.read(from, all_bytes, here);
  for (const record& each : batch->records)
    all.emplace_back(each.value);
  return all;
}

using texts = std::vector<std::string>;

struct collected final : ports::lookup {
  void found(const record& what) override { values.emplace_back(what.value); }
  texts values;
};

} // namespace

TEST_CASE("a reader of committed records stops at the first open transaction "
          "of anybody",
          "[simulation]") {
  partition_log log;
  append(log, first_producer, 0, "open");
  append(log, second_producer, 0, "committed");
  log.end_transaction(second_producer, true);
  CHECK(values(log).empty());
  CHECK(log.stable_end() == next_offset{0});
  log.end_transaction(first_producer, true);
  CHECK(values(log) == texts{"open", "committed"});
  CHECK(log.stable_end() == log.end());
}

TEST_CASE("what was aborted uses up offsets and is never shown",
          "[simulation]") {
  partition_log log;
  append(log, first_producer, 0, "aborted");
  append(log, first_producer, 1, "too");
  log.end_transaction(first_producer, false);
  append(log, first_producer, 2, "kept");
  log.end_transaction(first_producer, true);
  CHECK(values(log) == texts{"kept"});
  CHECK(log.end() == next_offset{5}); // three records, two markers
}

TEST_CASE("a batch that comes twice is there once, at its first place",
          "[simulation]") {
  partition_log log;
  record_offset first;
  record_offset again;
  CHECK(log.append(first_producer, 0, batch_of("a"), first)
        == partition_log::appended::done);
  append(log, first_producer, 1, "b");
  CHECK(log.append(first_producer, 0, batch_of("a"), again)
        == partition_log::appended::duplicate);
  CHECK(again == first);
  log.end_transaction(first_producer, true);
  CHECK(values(log) == texts{"a", "b"});
}

TEST_CASE("a batch that skips one is refused", "[simulation]") {
  partition_log log;
  append(log, first_producer, 0, "a");
  CHECK(append(log, first_producer, 2, "c")
        == partition_log::appended::out_of_order);
}

TEST_CASE("a higher epoch counts anew and fences the lower one",
          "[simulation]") {
  partition_log log;
  append(log, first_producer, 0, "a");
  log.end_transaction({1, 1}, false); // the coordinator's, with its epoch
  CHECK(append(log, first_producer, 1, "b") == partition_log::appended::fenced);
  CHECK(append(log, {1, 1}, 0, "c") == partition_log::appended::done);
}

TEST_CASE("a read before what is kept or behind the end is refused",
          "[simulation]") {
  partition_log log;
  for (int i = 0; i < 3; ++i)
    append(log, first_producer, i, "v");
  log.end_transaction(first_producer, true);
  log.truncate(next_offset{2});
  CHECK(log.read(next_offset{1}, all_bytes, here).error().code
        == errc::not_found);
  CHECK(values(log, next_offset{2}) == texts{"v"});
  CHECK(log.read(log.end(), all_bytes, here).has_value());
  CHECK(!log.read(next_offset{log.end().value() + 1}, all_bytes, here));
}

TEST_CASE("a lookup is told nothing while one of its records is undecided",
          "[simulation]") {
  partition_log log;
  append(log, first_producer, 0, "a");
  log.end_transaction(first_producer, true);
  append(log, first_producer, 1, "b");
  collected both;
  both.offsets = {record_offset{0}, record_offset{2}};
  CHECK(!log.look_up(both));
  CHECK(both.values.empty());
  log.end_transaction(first_producer, true);
  CHECK(log.look_up(both));
  CHECK(both.values == texts{"a", "b"});
}
