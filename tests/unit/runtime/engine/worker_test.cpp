// A worker stepped by the test under a manual clock, and with its own thread;
// the threaded cases wait for futures, never for time.
#include "runtime/engine/worker.hpp"
#include "tests/unit/runtime/engine/engine_parts.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <thread>
#include <vector>

using namespace freehold;
using namespace freehold::engine_parts;
using namespace std::chrono_literals;
using engine::worker;

namespace {

timestamp later(const freehold::clock& time, std::int64_t milliseconds) {
  return timestamp{time.now().value() + milliseconds};
}

/// A job that writes its number down, `rounds` times.
class noting_job final : public caf::resumable {
public:
  noting_job(std::vector<int>& notes, int number, int rounds = 1)
      : notes_(notes), number_(number), rounds_(rounds) {}

  resume_result resume(caf::execution_unit*, std::size_t) override {
    notes_.push_back(number_);
    return --rounds_ > 0 ? resume_later : done;
  }
  void intrusive_ptr_add_ref_impl() override { ++references; }
  void intrusive_ptr_release_impl() override { --references; }

  int references = 0;

private:
  std::vector<int>& notes_;
  const int number_;
  int rounds_;
};

void queue(worker& home, noting_job& job) {
  job.intrusive_ptr_add_ref_impl();
  home.exec_later(&job);
}

} // namespace

TEST_CASE("a worker runs jobs in the order they were queued, each its turn",
          "[runtime][worker]") {
  one_worker world;
  std::vector<int> notes;
  noting_job first{notes, 1};
  noting_job second{notes, 2, 3};
  noting_job third{notes, 3, 2};
  queue(world.home, first);
  queue(world.home, second);
  queue(world.home, third);
  CHECK(world.run_ready() == 6);
  CHECK(notes == std::vector<int>{1, 2, 3, 2, 3, 2});
  CHECK(first.references == 0);
  CHECK(second.references == 0);
  CHECK(third.references == 0);
  CHECK_FALSE(world.home.run_one());
}

TEST_CASE("a worker runs posted functions in order, and knows when it runs",
          "[runtime][worker]") {
  one_worker world;
  std::vector<int> notes;
  CHECK_FALSE(world.home.is_current());
  bool current = false;
  for (int i = 0; i < 3; ++i)
    world.home.post([&, i] {
      notes.push_back(i);
      current = world.home.is_current();
      world.home.post([&notes, i] { notes.push_back(10 + i); });
    });
  CHECK(world.run_ready() == 6);
  CHECK(notes == std::vector<int>{0, 1, 2, 10, 11, 12});
  CHECK(current);
  CHECK_FALSE(world.home.is_current());
}

TEST_CASE("alarms ring when they are due, ties as they were set",
          "[runtime][worker]") {
  one_worker world;
  std::vector<int> notes;
  const auto note = [&notes](int n) {
    return [&notes, n] { notes.push_back(n); };
  };
  timestamp due;
  CHECK_FALSE(world.home.next_alarm(due));
  world.home.at(later(world.time, 20), note(3));
  world.home.at(later(world.time, 10), note(1));
  world.home.at(later(world.time, 20), note(4));
  world.home.at(later(world.time, 10), note(2));
  world.home.at(later(world.time, 20), note(5));
  const timestamp first = later(world.time, 10);
  REQUIRE(world.home.next_alarm(due));
  CHECK(due == first);
  CHECK(world.run_ready() == 0);
  world.time.advance(9ms);
  CHECK(world.run_ready() == 0);
  world.time.advance(1ms);
  CHECK(world.run_ready() == 2);
  CHECK(notes == std::vector<int>{1, 2});
  world.time.advance(1h);
  CHECK(world.run_ready() == 3);
  CHECK(notes == std::vector<int>{1, 2, 3, 4, 5});
  CHECK_FALSE(world.home.next_alarm(due));
}

TEST_CASE("a clock that is set back delays no alarm", "[runtime][worker]") {
  one_worker world;
  int rang = 0;
  world.home.at(later(world.time, 100), [&] { ++rang; });
  world.time.advance(50ms);
  CHECK_FALSE(world.home.run_one());
  world.time.advance(-2h);
  CHECK_FALSE(world.home.run_one());
  world.home.at(later(world.time, 60), [&] { rang += 10; });
  world.time.advance(49ms);
  CHECK_FALSE(world.home.run_one());
  world.time.advance(1ms);
  CHECK(world.home.run_one());
  CHECK(rang == 1);
  world.time.advance(10ms);
  CHECK(world.home.run_one());
  CHECK(rang == 11);
}

TEST_CASE("an alarm may set the next one", "[runtime][worker]") {
  one_worker world;
  int rings = 0;
  std::function<void()> ring = [&] {
    ++rings;
    world.home.at(later(world.time, 10), ring);
  };
  world.home.at(later(world.time, 10), ring);
  for (int i = 0; i < 100; ++i) {
    world.time.advance(10ms);
    world.run_ready();
  }
  CHECK(rings == 100);
}

TEST_CASE("endless work does not keep an alarm waiting for ever",
          "[runtime][worker]") {
  one_worker world;
  bool rang = false;
  std::function<void()> again = [&] { world.home.post(again); };
  world.home.post(again);
  world.home.at(world.time.now(), [&] { rang = true; });
  int steps = 0;
  while (!rang && steps < 1000) {
    REQUIRE(world.home.run_one());
    ++steps;
  }
  CHECK(rang);
  CHECK(steps <= 64);
  world.home.drain();
}

TEST_CASE("what other threads post runs on the worker's thread, in the order "
          "of each",
          "[runtime][worker]") {
  one_worker world;
  constexpr int senders = 2;
  constexpr int each = 10'000;
  std::vector<std::pair<int, int>> notes; // the worker's thread only
  std::set<std::thread::id> threads;
  std::promise<void> all;
  world.home.start();
  std::vector<std::thread> outside;
  for (int s = 0; s < senders; ++s)
    outside.emplace_back([&, s] {
      for (int i = 0; i < each; ++i)
        world.home.post([&, s, i] {
          notes.emplace_back(s, i);
          threads.insert(std::this_thread::get_id());
          if (notes.size() == senders * each)
            all.set_value();
        });
    });
  all.get_future().wait();
  for (auto& sender : outside)
    sender.join();
  world.home.stop();
  CHECK(threads.size() == 1);
  CHECK_FALSE(threads.contains(std::this_thread::get_id()));
  std::vector<int> next(senders, 0);
  for (const auto& [sender, number] : notes)
    REQUIRE(number == next[static_cast<std::size_t>(sender)]++);
}

TEST_CASE("a sleeping worker wakes for a post and rings alarms of its clock",
          "[runtime][worker]") {
  one_worker world;
  world.home.start();
  for (int i = 0; i < 1000; ++i) {
    std::promise<void> ran;
    world.home.post([&] { ran.set_value(); });
    ran.get_future().wait();
  }
  std::promise<void> rang;
  const timestamp due = later(world.time, 5000);
  world.home.post([&] { world.home.at(due, [&] { rang.set_value(); }); });
  world.time.advance(5s);
  world.home.post([] {});
  rang.get_future().wait();
  world.home.stop();
  CHECK(world.time.now() == due);
}

TEST_CASE("a worker stops once, however often it is told",
          "[runtime][worker]") {
  SECTION("threaded") {
    one_worker world;
    world.home.start();
    world.home.stop();
    world.home.stop();
  }
  SECTION("never started") {
    one_worker world;
    world.home.stop();
    world.home.stop();
  }
}

TEST_CASE("a stop does not wait for work that never ends",
          "[runtime][worker]") {
  // Far more than a stop needs to be seen; reached only when it is not.
  constexpr std::int64_t far_too_many = 20'000'000;
  for (int i = 0; i < 300; ++i) {
    one_worker world;
    std::atomic<bool> stopping{false};
    std::promise<void> running;
    std::int64_t late = -1;
    std::function<void()> again = [&] {
      if (late < 0) {
        running.set_value();
        late = 0;
      }
      if (stopping.load(std::memory_order_relaxed))
        ++late;
      if (late < far_too_many)
        world.home.post(again);
    };
    world.home.post(again);
    world.home.start();
    running.get_future().wait();
    stopping = true;
    world.home.stop();
    REQUIRE(late < far_too_many);
    world.home.drain();
  }
}

TEST_CASE("draining releases what is queued without running it",
          "[runtime][worker]") {
  one_worker world;
  std::vector<int> notes;
  noting_job queued{notes, 1};
  noting_job handed{notes, 2};
  const auto token = std::make_shared<int>(0);
  world.home.post([&] { queue(world.home, queued); });
  REQUIRE(world.home.run_one());
  queue(world.home, handed);
  world.home.post([&notes, token] { notes.push_back(3); });
  world.home.at(world.time.now(), [&notes, token] { notes.push_back(4); });
  CHECK(token.use_count() == 3);
  world.home.drain();
  CHECK(notes.empty());
  CHECK(queued.references == 0);
  CHECK(handed.references == 0);
  CHECK(token.use_count() == 1);
  CHECK_FALSE(world.home.run_one());
}

TEST_CASE("draining releases what the dropped functions queue as they go",
          "[runtime][worker]") {
  one_worker world;
  std::vector<int> notes;
  noting_job late{notes, 1};
  // As the last reference to an actor does whose requests are bounced.
  std::shared_ptr<void> parting{nullptr,
                                [&](void*) { queue(world.home, late); }};
  SECTION("a task") {
    world.home.post([parting] {});
  }
  SECTION("an alarm") {
    world.home.at(world.time.now(), [parting] {});
  }
  parting.reset();
  world.home.drain();
  CHECK(late.references == 0);
  CHECK_FALSE(world.home.run_one());
  CHECK(notes.empty());
}
