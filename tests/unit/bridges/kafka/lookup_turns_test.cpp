// Lookups on a real Kafka, that of FREEHOLD_BOOTSTRAP, where one has to wait.
#include "bridges/kafka/lookup_service.hpp"
#include "bridges/kafka/shard_questions.hpp"
#include "bridges/kafka/topic_setup.hpp"
#include "bridges/kafka/transactional_producer.hpp"
#include "runtime/ports/log_layout.hpp"
#include "tests/unit/bridges/kafka/cluster_settings.hpp"

#include <catch2/catch.hpp>

#include <future>
#include <stdexcept>
#include <string>
#include <vector>

using namespace freehold;
using namespace freehold::bridges::kafka;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

kafka_settings settings() {
  kafka_settings how = cluster_settings("turns");
  how.transaction_timeout = 60s;
  return how;
}

ports::log_layout layout_of(const kafka_settings& how) {
  ports::log_layout made;
  made.shard_count = 2;
  made.topics.push_back({.name = how.application + "-changelog",
                         .partition_count = 2,
                         .role = ports::topic_role::changelog});
  return made;
}

topic_partition partition(std::uint32_t number) {
  return {topic_index{0}, partition_index{number}};
}

std::shared_ptr<const ports::unit_part> one_record(std::uint32_t where) {
  auto made = std::make_shared<ports::unit_part>();
  made->shard = partition_index{where};
  made->appends.push_back(
      {partition(where), timestamp{1000}, "key", "value", {}});
  return made;
}

class producer {
public:
  producer(const kafka_settings& how, const std::string& id,
           const std::vector<std::string>& topics)
      : below_(how, how.application + id, topics, [](const error& why) {
          throw std::runtime_error(to_string(why));
        }) {
    std::promise<void> begun;
    below_.begin_anew([&begun] { begun.set_value(); });
    begun.get_future().wait();
  }
  ~producer() { below_.stop(); }

  std::future<transactional_producer::outcome>
  write(std::uint32_t where, std::shared_future<void> then_commit) {
    auto told =
        std::make_shared<std::promise<transactional_producer::outcome>>();
    below_.run({{one_record(where)},
                [then_commit = std::move(then_commit)] {
                  then_commit.wait();
                  return result<std::optional<offsets_to_send>>{
                      std::optional<offsets_to_send>{}};
                }},
               [told](auto how) { told->set_value(std::move(how)); });
    return told->get_future();
  }

private:
  transactional_producer below_;
};

/// Where the only record of a transaction that is committed at once lies.
std::int64_t written(producer& by, std::uint32_t where) {
  std::promise<void> now;
  now.set_value();
  const auto how = by.write(where, now.get_future().share()).get();
  REQUIRE(how.how == ports::commit_outcome::done);
  return how.places.at(0).at(0);
}

class counting_lookup final : public ports::lookup {
public:
  counting_lookup(std::uint32_t where, std::int64_t offset) {
    source = partition(where);
    offsets = {record_offset{offset}};
  }
  void found(const record&) override { ++count; }
  int count = 0;
};

std::future<result<void>> ask(lookup_service& of,
                              const std::shared_ptr<counting_lookup>& what) {
  auto told = std::make_shared<std::promise<result<void>>>();
  of.look_up(what, [told](auto how, bool) { told->set_value(std::move(how)); });
  return told->get_future();
}

} // namespace

TEST_CASE("a lookup that has to wait for a transaction lets the next one in",
          "[bridges][kafka]") {
  const kafka_settings how = settings();
  const ports::log_layout layout = layout_of(how);
  const auto topics = ports::names_of(layout);
  REQUIRE(set_up_topics(how, layout));

  producer slow{how, "-slow", topics};
  std::promise<void> may_end;
  auto slow_one = slow.write(0, may_end.get_future().share());
  shard_questions questions{how, layout, topics[0]};
  REQUIRE(questions.start());
  for (bool is_there = false; !is_there;) {
    std::promise<shard_questions::all_bounds> told;
    questions.bounds_of({0}, [&](auto all) { told.set_value(std::move(all)); });
    is_there = told.get_future().get().at(0).end > next_offset{0};
  }
  producer quick{how, "-quick", topics};
  const auto behind = std::make_shared<counting_lookup>(0, written(quick, 0));
  const auto beside = std::make_shared<counting_lookup>(1, written(quick, 1));

  lookup_service lookups{how, topics};
  REQUIRE(lookups.start());
  auto first = ask(lookups, behind);
  auto second = ask(lookups, beside);
  CHECK(second.get());
  CHECK(beside->count == 1);
  const auto outcome = first.get();
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == errc::unavailable);
  CHECK_THAT(outcome.error().context, Contains("cannot be read yet"));
  CHECK(behind->count == 0);

  may_end.set_value();
  CHECK(slow_one.get().how == ports::commit_outcome::done);
  CHECK(ask(lookups, behind).get());
  CHECK(behind->count == 1);
  lookups.stop();
  questions.stop();
}
