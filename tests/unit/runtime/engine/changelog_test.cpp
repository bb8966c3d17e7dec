// The bytes of the changelog: every kind of entry there and back, where packs
// end, and what becomes of bytes that were damaged.
#include "runtime/base/random.hpp"
#include "runtime/engine/changelog.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace freehold;
using namespace freehold::engine::changelog;

namespace {

const std::string zeros("\0a\0", 3);

held_entry some_held() {
  held_entry entry;
  entry.number = 17;
  entry.entity = "counter";
  entry.key = zeros;
  entry.attempts = 2;
  entry.due = timestamp{1'700'000'000'123};
  entry.last_error = "told to fail";
  entry.topic = "adds";
  entry.offset = record_offset{9'000'000'000};
  entry.time = timestamp{-5};
  entry.value = "v";
  entry.headers = "hh";
  entry.source_watermark = timestamp{-7};
  entry.watermark = timestamp{-8};
  return entry;
}

timer_entry some_timer() {
  timer_entry entry;
  entry.entity = "counter";
  entry.key = "a";
  entry.name = "again";
  entry.number = 18;
  entry.due = timestamp{1'700'000'000'456};
  entry.message = "Add";
  entry.version = 3;
  entry.body = "body";
  entry.clock = timer_clock::event_time;
  return entry;
}

answer_entry some_answer() {
  return {{0x0123456789ABCDEFULL, 0xFEDCBA9876543210ULL},
          timestamp{1'700'000'000'789},
          2,
          "{}"};
}

unit_header some_header() {
  return {shard_epoch{4},
          19,
          {{"adds", next_offset{100}}, {"inbox", next_offset{0}}}};
}

std::uint32_t put_state(pack_writer& writer, std::string_view key,
                        std::size_t bytes) {
  return writer.put_state(
      entry_kind::state, 1, key, 5,
      [bytes](std::string& out) { out.append(bytes, 's'); });
}

event_time_entry some_event_time() {
  return {timestamp{1'400'000'000'000},
          {timestamp{1'400'000'000'007}, true},
          {{"adds", timestamp{-1}}, {"subs", before_all_time}},
          {{timestamp{5}, false}, {after_all_time, true}}};
}

/// One entry of every kind.
std::string one_of_each() {
  pack_writer writer;
  writer.begin(42);
  writer.put(some_header());
  writer.put(schema_entry{7, "counter", "schema"});
  put_state(writer, "a", 10);
  writer.put(some_held());
  writer.put_held_gone(16);
  writer.put(some_timer());
  writer.put_timer_gone("counter", "a", "gone");
  writer.put(some_answer());
  writer.put(some_event_time());
  REQUIRE(writer.pack_count() == 1);
  return std::string{writer.pack(0)};
}

struct walked {
  std::size_t entries = 0;
  std::size_t bytes = 0;
  bool corrupt = false;
};

/// Reads everything of every entry; an error must be `corrupt`.
walked walk(std::string_view pack) {
  walked seen;
  const auto good = [&seen](const auto& decoded) {
    if (!decoded) {
      REQUIRE(decoded.error().code == errc::corrupt);
      seen.corrupt = true;
    }
  };
  // Touches the bytes a view claims, for the sanitizers.
  const auto touch = [&seen](std::string_view text) {
    for (const char each : text)
      seen.bytes += static_cast<unsigned char>(each) == 0 ? 1 : 2;
  };
  auto reader = pack_reader::open(pack);
  good(reader);
  if (!reader)
    return seen;
  pack_reader::entry entry;
  while (reader->next(entry)) {
    ++seen.entries;
    switch (entry.kind) {
    case entry_kind::header:
      good(pack_reader::header(entry.payload));
      break;
    case entry_kind::schema:
      good(pack_reader::schema(entry.payload));
      break;
    case entry_kind::state:
    case entry_kind::state_of_shared_hash:
      good(pack_reader::state(entry.payload));
      break;
    case entry_kind::held: {
      const auto held = pack_reader::held(entry.payload);
      good(held);
      if (held)
        for (const auto text : {held->entity, held->key, held->last_error,
                                held->topic, held->value, held->headers})
          touch(text);
      break;
    }
    case entry_kind::held_gone:
      good(pack_reader::held_gone(entry.payload));
      break;
    case entry_kind::timer:
      good(pack_reader::timer(entry.payload));
      break;
    case entry_kind::timer_gone:
      good(pack_reader::timer_gone(entry.payload));
      break;
    case entry_kind::answer:
      good(pack_reader::answer(entry.payload));
      break;
    case entry_kind::event_time:
      good(pack_reader::event_time(entry.payload));
      break;
    }
    touch(entry.payload);
  }
  good(reader->end());
  return seen;
}

std::vector<pack_reader::entry> entries_of(std::string_view pack) {
  auto reader = pack_reader::open(pack).value();
  std::vector<pack_reader::entry> all;
  pack_reader::entry next;
  while (reader.next(next))
    all.push_back(next);
  REQUIRE(reader.end());
  return all;
}

} // namespace

TEST_CASE("every kind of entry comes back from a pack as it went in",
          "[runtime][changelog]") {
  const std::string pack = one_of_each();
  CHECK(pack_reader::open(pack)->unit() == 42);
  const auto all = entries_of(pack);
  REQUIRE(all.size() == 9);
  std::size_t bytes = 9;
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(all[i].kind == static_cast<entry_kind>(i + 1));
    bytes += all[i].bytes;
  }
  CHECK(bytes == pack.size());

  const auto header = pack_reader::header(all[0].payload).value();
  CHECK(header.epoch == shard_epoch{4});
  CHECK(header.next_number == 19);
  CHECK(header.positions == some_header().positions);

  const auto schema = pack_reader::schema(all[1].payload).value();
  CHECK(schema.id == 7);
  CHECK(schema.entity == "counter");
  CHECK(schema.schema == "schema");

  const auto state = pack_reader::state(all[2].payload).value();
  CHECK(state.schema == 1);
  CHECK(state.key == "a");
  CHECK(state.sequence == 5);
  CHECK(state.bytes == std::string(10, 's'));
  CHECK(all[2].bytes == state_entry_overhead_bytes + 1 + 10);

  const auto held = pack_reader::held(all[3].payload).value();
  CHECK(held.number == 17);
  CHECK(held.entity == "counter");
  CHECK(held.key == zeros);
  CHECK(held.attempts == 2);
  CHECK(held.due == timestamp{1'700'000'000'123});
  CHECK(held.last_error == "told to fail");
  CHECK(held.topic == "adds");
  CHECK(held.offset == record_offset{9'000'000'000});
  CHECK(held.time == timestamp{-5});
  CHECK(held.value == "v");
  CHECK(held.headers == "hh");
  CHECK(held.source_watermark == timestamp{-7});
  CHECK(held.watermark == timestamp{-8});

  CHECK(pack_reader::held_gone(all[4].payload).value() == 16);

  const auto timer = pack_reader::timer(all[5].payload).value();
  CHECK(timer.entity == "counter");
  CHECK(timer.key == "a");
  CHECK(timer.name == "again");
  CHECK(timer.number == 18);
  CHECK(timer.due == timestamp{1'700'000'000'456});
  CHECK(timer.message == "Add");
  CHECK(timer.version == 3);
  CHECK(timer.body == "body");
  CHECK(timer.clock == timer_clock::event_time);

  const auto gone = pack_reader::timer_gone(all[6].payload).value();
  CHECK(gone.entity == "counter");
  CHECK(gone.key == "a");
  CHECK(gone.name == "gone");

  const auto answer = pack_reader::answer(all[7].payload).value();
  CHECK(answer.id == some_answer().id);
  CHECK(answer.time == some_answer().time);
  CHECK(answer.status == 2);
  CHECK(answer.body == "{}");

  const auto time = pack_reader::event_time(all[8].payload).value();
  CHECK(time.watermark == some_event_time().watermark);
  CHECK(time.announced == some_event_time().announced);
  CHECK(time.sources == some_event_time().sources);
  CHECK(time.marks == some_event_time().marks);
}

TEST_CASE("entries of builds without event time, or with less of it, are read",
          "[runtime][changelog]") {
  pack_writer writer;
  writer.begin(1);
  writer.put(some_held());
  writer.put(some_timer());
  auto reader = pack_reader::open(writer.pack(0)).value();
  pack_reader::entry next;
  REQUIRE(reader.next(next));
  const std::string_view held = next.payload;
  const auto without = [&held](std::size_t fields) {
    return pack_reader::held(held.substr(0, held.size() - 8 * fields)).value();
  };
  CHECK(without(1).source_watermark == some_held().source_watermark);
  CHECK(without(1).watermark == before_all_time);
  CHECK(without(2).source_watermark == before_all_time);
  REQUIRE(reader.next(next));
  const std::string_view timer = next.payload;
  CHECK(pack_reader::timer(timer.substr(0, timer.size() - 1))->clock
        == timer_clock::processing_time);
  std::string unknown{timer};
  unknown.back() = 2;
  CHECK(pack_reader::timer(unknown).error().code == errc::corrupt);
}

TEST_CASE("a pack takes exactly its bound and not a byte more",
          "[runtime][changelog]") {
  constexpr std::size_t prefix = 9;
  constexpr std::size_t half = pack_bytes_max / 2;
  const std::size_t extra = GENERATE(0U, 1U);
  pack_writer writer;
  writer.begin(1);
  put_state(writer, "a", half);
  const std::size_t used = writer.bytes();
  CHECK(used == prefix + state_entry_overhead_bytes + 1 + half);
  put_state(writer, "b",
            pack_bytes_max - used - state_entry_overhead_bytes - 1 + extra);
  if (extra == 0) {
    REQUIRE(writer.pack_count() == 1);
    CHECK(writer.pack(0).size() == pack_bytes_max);
  } else {
    REQUIRE(writer.pack_count() == 2);
    CHECK(writer.pack(0).size() == used);
    CHECK(entries_of(writer.pack(0)).size() == 1);
    CHECK(entries_of(writer.pack(1)).size() == 1);
    CHECK(writer.last_pack() == 1);
  }
}

TEST_CASE("a state is found by its place, whichever pack it ended in, and "
          "nowhere else",
          "[runtime][changelog]") {
  pack_writer writer;
  writer.begin(1);
  random_source random{5};
  struct packed {
    std::string key;
    std::size_t pack = 0;
    std::uint32_t at = 0;
    std::size_t bytes = 0;
  };
  std::vector<packed> all;
  for (int i = 0; i < 2000; ++i) {
    packed one{"key-" + std::to_string(i), 0, 0, random.below(300)};
    put_state(writer, one.key, one.bytes);
    one.pack = writer.last_pack();
    one.at = writer.last_at();
    all.push_back(one);
  }
  REQUIRE(writer.pack_count() > 10);
  for (const packed& each : all) {
    const auto found = pack_reader::state_at(writer.pack(each.pack), each.at);
    REQUIRE(found);
    REQUIRE(found->key == each.key);
    REQUIRE(found->bytes.size() == each.bytes);
  }
  for (const auto& each : entries_of(writer.pack(3)))
    REQUIRE(pack_reader::state_at(writer.pack(3), each.at)->key
            == pack_reader::state(each.payload)->key);
  writer.put_held_gone(7);
  const std::string_view last = writer.pack(writer.last_pack());
  CHECK(pack_reader::state_at(last, writer.last_at()).error().code
        == errc::corrupt);
  CHECK(pack_reader::state_at(last, last.size()).error().code == errc::corrupt);
  CHECK(pack_reader::state_at(last, last.size() - 1).error().code
        == errc::corrupt);
}

TEST_CASE("an entry larger than a pack has a pack of its own",
          "[runtime][changelog]") {
  const bool first = GENERATE(true, false);
  pack_writer writer;
  writer.begin(1);
  if (!first)
    put_state(writer, "small", 10);
  put_state(writer, "large", 3 * pack_bytes_max);
  const std::size_t large = writer.last_pack();
  CHECK(large == (first ? 0U : 1U));
  put_state(writer, "behind", 10);
  REQUIRE(writer.pack_count() == large + 2);
  CHECK(writer.last_pack() == large + 1);
  for (std::size_t i = 0; i < writer.pack_count(); ++i) {
    CHECK(entries_of(writer.pack(i)).size() == 1);
    CHECK_FALSE(walk(writer.pack(i)).corrupt);
  }
}

TEST_CASE("random entries keep their order across packs, and a writer used "
          "again starts afresh",
          "[runtime][changelog]") {
  random_source random{77};
  pack_writer writer;
  for (std::uint64_t unit = 1; unit <= 20; ++unit) {
    writer.begin(unit);
    CHECK(writer.pack_count() == 0);
    CHECK(writer.bytes() == 0);
    std::vector<std::pair<std::string, std::size_t>> put;
    std::vector<std::size_t> places;
    for (int i = 0; i < 200; ++i) {
      const std::size_t size =
          random.below(50) == 0 ? random.below(200'000) : random.below(3000);
      put.emplace_back(std::to_string(i), size);
      put_state(writer, put.back().first, size);
      places.push_back(writer.last_pack());
    }
    std::size_t at = 0;
    for (std::size_t p = 0; p < writer.pack_count(); ++p) {
      const auto entries = entries_of(writer.pack(p));
      REQUIRE(pack_reader::open(writer.pack(p))->unit() == unit);
      REQUIRE((entries.size() == 1 || writer.pack(p).size() <= pack_bytes_max));
      for (const auto& entry : entries) {
        const auto state = pack_reader::state(entry.payload).value();
        REQUIRE(state.key == put[at].first);
        REQUIRE(state.bytes.size() == put[at].second);
        REQUIRE(places[at] == p);
        ++at;
      }
    }
    REQUIRE(at == put.size());
  }
}

TEST_CASE("a pack that is cut anywhere is corrupt or ends at an entry",
          "[runtime][changelog]") {
  const std::string pack = one_of_each();
  std::vector<std::size_t> ends{9};
  for (const auto& entry : entries_of(pack))
    ends.push_back(ends.back() + entry.bytes);
  for (std::size_t size = 0; size < pack.size(); ++size) {
    // A copy of just that size, so that the sanitizers see its end.
    const std::vector<char> cut(
        pack.begin(), pack.begin() + static_cast<std::ptrdiff_t>(size));
    const bool whole = std::find(ends.begin(), ends.end(), size) != ends.end();
    REQUIRE(walk({cut.data(), cut.size()}).corrupt != whole);
  }
}

TEST_CASE("an entry whose payload is cut or too long is corrupt",
          "[runtime][changelog]") {
  const std::string pack = one_of_each();
  const auto check = [](entry_kind kind, std::string_view payload) {
    switch (kind) {
    case entry_kind::header:
      return pack_reader::header(payload).has_value();
    case entry_kind::schema:
      return pack_reader::schema(payload).has_value();
    case entry_kind::held:
      return pack_reader::held(payload).has_value();
    case entry_kind::held_gone:
      return pack_reader::held_gone(payload).has_value();
    case entry_kind::timer:
      return pack_reader::timer(payload).has_value();
    case entry_kind::timer_gone:
      return pack_reader::timer_gone(payload).has_value();
    case entry_kind::answer:
      return pack_reader::answer(payload).has_value();
    case entry_kind::event_time:
      return pack_reader::event_time(payload).has_value();
    default:
      return pack_reader::state(payload).has_value();
    }
  };
  for (const auto& entry : entries_of(pack)) {
    CHECK(check(entry.kind, entry.payload));
    if (entry.kind == entry_kind::state)
      continue; // the rest of it is the state: any length will do
    // What builds without event time, or with less of it, wrote ends earlier.
    std::set<std::size_t> older;
    if (entry.kind == entry_kind::held)
      older = {entry.payload.size() - 8, entry.payload.size() - 16};
    else if (entry.kind == entry_kind::timer)
      older = {entry.payload.size() - 1};
    for (std::size_t size = 0; size < entry.payload.size(); ++size)
      REQUIRE(check(entry.kind, entry.payload.substr(0, size))
              == older.contains(size));
    REQUIRE_FALSE(check(entry.kind, std::string{entry.payload} + "x"));
  }
}

TEST_CASE("flipped bytes give values or an error, never more than the pack",
          "[runtime][changelog]") {
  const std::string pack = one_of_each();
  random_source random{4711};
  for (int i = 0; i < 50'000; ++i) {
    std::vector<char> damaged(pack.begin(), pack.end());
    for (std::uint64_t flips = 1 + random.below(4); flips > 0; --flips)
      damaged[random.below(damaged.size())] =
          static_cast<char>(random.below(256));
    const walked seen = walk({damaged.data(), damaged.size()});
    REQUIRE(seen.entries <= pack.size() / 5);
  }
}

TEST_CASE("lengths near the largest number are corrupt",
          "[runtime][changelog]") {
  const std::string pack = one_of_each();
  for (std::size_t at = 9; at + 4 <= pack.size(); ++at) {
    std::vector<char> damaged(pack.begin(), pack.end());
    for (std::size_t i = 0; i < 4; ++i)
      damaged[at + i] = static_cast<char>(0xFF);
    const walked seen = walk({damaged.data(), damaged.size()});
    REQUIRE(seen.entries <= pack.size() / 5);
  }
  // The first entry's length, just behind its kind: nothing can follow.
  std::string first{pack};
  first.replace(10, 4, 4, '\xFF');
  const walked nothing = walk(first);
  CHECK(nothing.entries == 0);
  CHECK(nothing.corrupt);
}

TEST_CASE("a pack of an unknown version is corrupt and says which",
          "[runtime][changelog]") {
  std::string pack = one_of_each();
  const int version = GENERATE(0, 2, 255);
  pack[0] = static_cast<char>(version);
  const auto opened = pack_reader::open(pack);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::corrupt);
  CHECK_THAT(opened.error().context, Catch::Contains(std::to_string(version)));
}
