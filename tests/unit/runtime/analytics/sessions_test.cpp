// Sessions against a batch: sort, and cut where nothing happens for the gap.
#include "runtime/analytics/sessions.hpp"
#include "runtime/base/random.hpp"
#include "tests/unit/runtime/analytics/counted.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <vector>

using namespace freehold;
using namespace freehold::analytics;
using namespace std::chrono_literals;

namespace {

using results = std::map<event_window, counted>;

results batch(std::vector<std::int64_t> times, std::int64_t gap) {
  std::sort(times.begin(), times.end());
  results found;
  for (std::size_t i = 0; i < times.size();) {
    const std::int64_t start = times[i];
    counted sum;
    std::int64_t last = start;
    for (; i < times.size() && times[i] - last < gap; ++i) {
      last = times[i];
      sum.merge({1, times[i]});
    }
    found.emplace(event_window{timestamp{start}, timestamp{last + gap}}, sum);
  }
  return found;
}

} // namespace

TEST_CASE("every session closes once with what a batch gives, for every order "
          "inside the grace",
          "[runtime][analytics][sessions]") {
  const session_shape shape{20ms, 15ms, 0ms};
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    random_source random{seed};
    std::vector<std::pair<std::int64_t, std::int64_t>> arrivals;
    std::vector<std::int64_t> times;
    for (int i = 0; i < 150; ++i) {
      times.push_back(static_cast<std::int64_t>(random.below(3'000)) - 1'500);
      arrivals.emplace_back(times.back()
                                + static_cast<std::int64_t>(random.below(15)),
                            times.back());
    }
    std::sort(arrivals.begin(), arrivals.end());
    sessions<counted> state;
    results published;
    std::optional<timestamp> timer;
    const auto fire = [&](timestamp watermark) {
      state.for_each_due(shape, watermark,
                         [&](const event_window& which, const counted& sum) {
                           REQUIRE(published.emplace(which, sum).second);
                         });
      timer = state.timer_after(shape, watermark);
      state.close(shape, watermark);
    };
    std::int64_t latest = -2'000;
    for (const auto& [order, at] : arrivals) {
      latest = std::max(latest, at);
      REQUIRE(state.judge(shape, timestamp{at}, timestamp{latest})
              == arrival::in_time);
      if (const auto due = state.timer_wanted(shape, timestamp{at}))
        timer = due;
      for (const std::int64_t start : state.joined_by(shape, timestamp{at}))
        REQUIRE_FALSE(state.all.at(start).is_closed);
      state.add(shape, timestamp{at}, {1, at});
      const timestamp reached{latest
                              - static_cast<std::int64_t>(random.below(40))};
      while (timer && *timer <= reached)
        fire(reached);
    }
    fire(after_all_time);
    REQUIRE(published == batch(times, 20));
  }
}

TEST_CASE("something between two sessions joins them",
          "[runtime][analytics][sessions]") {
  const session_shape shape{10ms, 100ms, 0ms};
  sessions<counted> state;
  state.add(shape, timestamp{0}, {1, 1});
  state.add(shape, timestamp{10}, {1, 2}); // exactly the gap: another session
  CHECK(state.all.size() == 2);
  state.add(shape, timestamp{19}, {1, 4});
  CHECK(state.joined_by(shape, timestamp{9})
        == std::vector<std::int64_t>{0, 10});
  CHECK(state.joined_by(shape, timestamp{29}).empty());
  state.add(shape, timestamp{9}, {1, 8});
  REQUIRE(state.all.size() == 1);
  CHECK(state.all.at(0).last == 19);
  CHECK(state.all.at(0).sum == counted{4, 15});
}

TEST_CASE("a session that was closed is told apart until it is forgotten",
          "[runtime][analytics][sessions]") {
  const session_shape shape{10ms, 5ms, 20ms};
  sessions<counted> state;
  state.add(shape, timestamp{0}, {1, 1});
  state.close(shape, after_all_time);
  CHECK(state.all.at(0).is_closed);
  state.close(shape, timestamp{34});
  CHECK(state.all.size() == 1);
  state.close(shape, timestamp{35});
  CHECK(state.all.empty());
  CHECK(state.judge(shape, timestamp{9}, timestamp{9}) == arrival::forgotten);
  CHECK(state.judge(shape, timestamp{10}, timestamp{10}) == arrival::in_time);
}
