// Windows against a batch over the same records, and their bounds.
#include "runtime/analytics/windows.hpp"
#include "runtime/base/random.hpp"
#include "runtime/codec/codec.hpp"
#include "tests/unit/runtime/analytics/counted.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <vector>

using namespace freehold;
using namespace freehold::analytics;
using namespace std::chrono_literals;

namespace {

struct kept {
  static constexpr std::string_view type = "Kept";
  windows<counted> sums;
};
BOOST_DESCRIBE_STRUCT(kept, (), (sums))

/// What a state is after a restart.
kept stored_and_read(const kept& state) {
  std::string bytes;
  codec::to_stored(bytes, state);
  kept read;
  REQUIRE(codec::stored_reader<kept>::create(codec::schema_of<kept>())
              .value()
              .read(bytes, read));
  return read;
}

using results = std::map<event_window, counted>;

/// Uses windows as an entity does.
struct user {
  explicit user(const window_shape& of) : shape(of) {}

  window_shape shape;
  kept state;
  timestamp watermark = before_all_time;
  std::optional<timestamp> timer;
  results published;
  int corrections = 0;

  arrival take(timestamp at, timestamp source_watermark, std::int64_t value) {
    const arrival how = state.sums.judge(shape, at, source_watermark);
    if (how != arrival::in_time)
      return how;
    if (const auto due = state.sums.timer_wanted(shape, at))
      timer = due;
    const counted one{1, value};
    state.sums.for_each_closed(shape, at, [&](const event_window& which) {
      counted sum = state.sums.sum_of(which);
      sum.merge(one);
      published[which] = sum;
      ++corrections;
    });
    state.sums.add(shape, at, one);
    return how;
  }

  void reach(timestamp to) {
    watermark = std::max(watermark, to);
    while (timer && *timer <= watermark)
      fire(watermark);
  }

  void fire(timestamp seen) {
    state.sums.for_each_due(shape, seen,
                            [&](const event_window& which, const counted& sum) {
                              REQUIRE(published.emplace(which, sum).second);
                            });
    timer = state.sums.timer_after(shape, seen);
    state.sums.close(shape, seen);
    state = stored_and_read(state);
  }
};

results batch(const window_shape& shape,
              const std::vector<std::pair<std::int64_t, std::int64_t>>& all) {
  results sums;
  for (const auto& [at, value] : all)
    for (std::int64_t start = floor_to(at - shape.length.count(), shape.every);
         start <= at; start += shape.every.count())
      if (at < start + shape.length.count())
        sums[{timestamp{start}, timestamp{start + shape.length.count()}}].merge(
            {1, value});
  return sums;
}

} // namespace

TEST_CASE("every window closes once with what a batch gives, for every order "
          "inside the grace",
          "[runtime][analytics][windows]") {
  const auto shape = GENERATE(window_shape::tumbling(30ms, 10ms, 0ms),
                              window_shape::hopping(30ms, 10ms, 10ms, 0ms),
                              window_shape::hopping(30ms, 7ms, 10ms, 0ms));
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    random_source random{seed};
    std::vector<std::pair<std::int64_t, std::int64_t>> all;
    std::vector<std::pair<std::int64_t, std::size_t>> arrivals;
    for (std::size_t i = 0; i < 200; ++i) {
      all.emplace_back(static_cast<std::int64_t>(random.below(3'000)) - 1'500,
                       static_cast<std::int64_t>(random.below(100)));
      arrivals.emplace_back(
          all[i].first + static_cast<std::int64_t>(random.below(10)), i);
    }
    std::sort(arrivals.begin(), arrivals.end());
    user entity{shape};
    std::int64_t latest = -2'000;
    for (const auto& [order, i] : arrivals) {
      latest = std::max(latest, all[i].first);
      REQUIRE(
          entity.take(timestamp{all[i].first}, timestamp{latest}, all[i].second)
          == arrival::in_time);
      if (random.below(3) == 0)
        entity.reach(
            timestamp{latest - static_cast<std::int64_t>(random.below(50))});
    }
    entity.fire(after_all_time);
    CHECK_FALSE(entity.timer);
    CHECK(entity.corrections == 0);
    REQUIRE(entity.published == batch(shape, all));
  }
}

TEST_CASE("a window that was closed early is corrected until it is forgotten",
          "[runtime][analytics][windows]") {
  user entity{window_shape::tumbling(10ms, 5ms, 20ms)};
  const event_window first{timestamp{0}, timestamp{10}};
  CHECK(entity.take(timestamp{3}, timestamp{3}, 1) == arrival::in_time);
  CHECK(entity.timer == timestamp{15});
  entity.fire(after_all_time);
  CHECK(entity.published.at(first) == counted{1, 1});
  CHECK(entity.take(timestamp{4}, timestamp{4}, 2) == arrival::in_time);
  CHECK_FALSE(entity.timer); // its window is closed
  CHECK(entity.published.at(first) == counted{2, 3});

  // Late by its source, whatever the receiver knows.
  CHECK(entity.take(timestamp{4}, timestamp{9}, 4) == arrival::in_time);
  CHECK(entity.take(timestamp{4}, timestamp{10}, 8) == arrival::late);

  // 5 of grace and 20 to be corrected, and not one more.
  CHECK(entity.take(timestamp{31}, timestamp{31}, 16) == arrival::in_time);
  entity.fire(timestamp{34});
  CHECK(entity.state.sums.judge(entity.shape, timestamp{9}, timestamp{9})
        == arrival::in_time);
  entity.fire(timestamp{35});
  CHECK(entity.state.sums.judge(entity.shape, timestamp{9}, timestamp{9})
        == arrival::forgotten);
  CHECK(entity.state.sums.judge(entity.shape, timestamp{10}, timestamp{10})
        == arrival::in_time);
  CHECK(entity.published.at(first) == counted{3, 7});
}

TEST_CASE("panes are kept for open windows only, however long time goes on",
          "[runtime][analytics][windows]") {
  user entity{window_shape::hopping(30ms, 10ms, 5ms, 0ms)};
  std::size_t most = 0;
  for (std::int64_t at = 0; at < 100'000; at += 3) {
    entity.take(timestamp{at}, timestamp{at}, 1);
    entity.reach(timestamp{at});
    most = std::max(most, entity.state.sums.panes.size());
  }
  CHECK(most <= 5); // 30 + 5 in panes of 10, and the one that begins
}

TEST_CASE("a timer is wanted for an earlier end only",
          "[runtime][analytics][windows]") {
  user entity{window_shape::tumbling(10ms, 5ms, 0ms)};
  entity.take(timestamp{25}, before_all_time, 1);
  CHECK(entity.timer == timestamp{35});
  CHECK_FALSE(entity.state.sums.timer_wanted(entity.shape, timestamp{20}));
  CHECK_FALSE(entity.state.sums.timer_wanted(entity.shape, timestamp{39}));
  CHECK(entity.state.sums.timer_wanted(entity.shape, timestamp{19})
        == timestamp{25});
}
