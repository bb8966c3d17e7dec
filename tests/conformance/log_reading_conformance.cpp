// What every event log promises about reading: order, contents, positions,
// waiting and bounds.
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::conformance;
using ports::commit_outcome;

TEST_CASE("records come back in the order in which they were appended",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  std::vector<std::string> expected;
  for (int unit = 0; unit < 20; ++unit) {
    std::vector<std::string> some;
    for (int i = 0; i < 50; ++i)
      some.push_back(std::to_string(unit) + "/" + std::to_string(i));
    life.append(at(output_topic, 1), some);
    expected.insert(expected.end(), some.begin(), some.end());
  }
  CHECK(life.values_of(at(output_topic, 1)) == expected);
  CHECK(life.values_of(at(output_topic, 0)).empty());
}

TEST_CASE("offsets grow and stay below the next position",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  for (int unit = 0; unit < 5; ++unit)
    life.append(at(output_topic, 0), {"a", "b", "c"});
  std::int64_t next = 0;
  std::size_t count = 0;
  while (count < 15) {
    const auto batch = life.fetch(at(output_topic, 0), next, 2);
    std::int64_t last = next - 1;
    for (const record& each : batch->records) {
      CHECK(each.offset.value() > last);
      if (fixture->contiguous())
        CHECK(each.offset.value() == last + 1);
      last = each.offset.value();
    }
    CHECK(batch->next.value() > last);
    CHECK(batch->end >= batch->next);
    REQUIRE(batch->next.value() > next);
    next = batch->next.value();
    count += batch->records.size();
  }
}

TEST_CASE("keys, values, headers and times come back as they were given",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  std::string headers;
  append_header(headers, "ce_type", "offer");
  append_header(headers, "empty", "");
  append_header(headers, "ce_type", "bid");
  const std::string binary{"\0\xFF\x80z", 4};
  auto part = life.part();
  const topic_partition target = at(output_topic, 2);
  part->add(target, "key", "value", 1234567890123, headers)
      .add(target, std::nullopt, "no key", 0)
      .add(target, "tombstone", std::nullopt, 5)
      .add(target, "", "", 1)
      .add(target, std::nullopt, std::nullopt, 77)
      .add(target, binary, binary, -1);
  REQUIRE(life.commit({part}).outcome == commit_outcome::done);

  const auto found = life.read_all(target);
  REQUIRE(found.size() == 6);
  CHECK(found[0].key == "key");
  CHECK(found[0].value == "value");
  CHECK(found[0].time == 1234567890123);
  CHECK(found[0].headers == headers);
  CHECK(found[1].key == std::nullopt);
  CHECK(found[1].value == "no key");
  CHECK(found[1].time == fixture->kept_time(timestamp{0}).value());
  CHECK(found[1].headers.empty());
  CHECK(found[2].value == std::nullopt);
  CHECK(found[3].key == "");
  CHECK(found[3].value == "");
  CHECK(found[4].key == std::nullopt);
  CHECK(found[4].value == std::nullopt);
  CHECK(found[5].key == binary);
  CHECK(found[5].value == binary);
}

TEST_CASE("a record of one MiB passes through", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  std::string large(1U << 20U, 'x');
  for (std::size_t i = 0; i < large.size(); i += 97)
    large[i] = static_cast<char>(i);
  life.append(at(output_topic, 0), {"before", large, "behind"});
  CHECK(life.values_of(at(output_topic, 0))
        == std::vector<std::string>{"before", large, "behind"});
  // At least one record comes, however large.
  const auto first = life.fetch(at(output_topic, 0), 1, 1);
  REQUIRE(first->records.size() == 1);
  CHECK(first->records[0].value == large);
}

TEST_CASE("a fetch returns about as many bytes as it asked for",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(output_topic, 0),
              std::vector<std::string>(1000, std::string(100, 'v')));
  const auto batch = life.fetch(at(output_topic, 0), 0, 5000);
  CHECK(batch->records.size() >= 1);
  CHECK(batch->records.size() <= 60);
  CHECK(life.fetch(at(output_topic, 0), 0, 0)->records.size() == 1);
  CHECK(life.read_all(at(output_topic, 0)).size() == 1000);
  CHECK(life.read_all(at(output_topic, 0), 990).size() >= 10);
}

TEST_CASE("a fetch in the middle begins there", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(output_topic, 0), {"a", "b", "c", "d"});
  life.append(at(output_topic, 0), {"e", "f"});
  const auto all = life.read_all(at(output_topic, 0));
  for (const auto& each : all) {
    const auto batch = life.fetch(at(output_topic, 0), each.offset);
    REQUIRE(!batch->records.empty());
    CHECK(batch->records[0].value == each.value);
    CHECK(life.heard.look([&] {
      return life.heard.positions[at(output_topic, 0)].value();
    }) == each.offset);
  }
}

TEST_CASE("a fetch that does not wait is answered at the end of a partition",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const auto batch = life.fetch(at(source_topic, 0), 0);
  CHECK(batch->records.empty());
  CHECK(batch->next == next_offset{0});
  CHECK(batch->end == next_offset{0});
}

TEST_CASE("a parked fetch is answered by a commit", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const topic_partition target = at(inbox_topic, 1);
  life.park(target, 0);
  life.append(at(inbox_topic, 0), {"elsewhere"});
  CHECK(life.heard.look([&] { return life.heard.batches[target].empty(); }));
  life.append(target, {"here"});
  const auto batch = life.await_batch(target);
  REQUIRE(batch->records.size() == 1);
  CHECK(batch->records[0].value == "here");
  // Where a transaction's end lies behind it, that may be seen a moment later.
  const auto last = batch->next >= batch->end
                        ? batch
                        : life.fetch(target, batch->next.value());
  CHECK(last->records.empty() == (last != batch));
  CHECK(last->next >= last->end);
}

TEST_CASE("a parked fetch is answered by produced records",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.park(at(source_topic, 0), 0);
  auto request = std::make_shared<owning_request>();
  request->add(at(source_topic, 0), "k", "from outside");
  CHECK(life.produce(request).outcome == commit_outcome::done);
  const auto batch = life.await_batch(at(source_topic, 0));
  REQUIRE(batch->records.size() == 1);
  CHECK(batch->records[0].value == "from outside");
}

TEST_CASE("a fetch parks again and again without losing a record",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const topic_partition target = at(inbox_topic, 0);
  std::int64_t next = 0;
  std::vector<std::string> found;
  for (int i = 0; i < 200; ++i) {
    life.park(target, next);
    auto request = std::make_shared<owning_request>();
    request->add(target, "k", std::to_string(i));
    REQUIRE(life.produce(request).outcome == commit_outcome::done);
    // Where markers leave gaps, a position may move without a record.
    while (found.size() == static_cast<std::size_t>(i)) {
      const auto batch = life.await_batch(target);
      for (const record& each : batch->records)
        found.emplace_back(each.value);
      next = batch->next.value();
      if (found.size() == static_cast<std::size_t>(i))
        life.park(target, next);
    }
  }
  for (int i = 0; i < 200; ++i)
    CHECK(found[static_cast<std::size_t>(i)] == std::to_string(i));
}

TEST_CASE("a withdrawn fetch is not answered by later records",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const topic_partition target = at(inbox_topic, 0);
  life.park(target, 0);
  life.log->cancel_fetch(target);
  life.append(target, {"a"});
  // Another fetch of the same partition is answered, once.
  const auto batch = life.fetch(target, 0);
  CHECK(batch->records.size() == 1);
  CHECK(life.heard.look([&] { return life.heard.batches[target].empty(); }));
}

TEST_CASE("a fetch of what does not exist says so", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  for (const auto source : {at(topic_index{9}, 0), at(output_topic, 3)}) {
    const auto why = life.fetch_error(source, 0);
    REQUIRE(why.has_value());
    CHECK(why->code == errc::not_found);
  }
}

TEST_CASE("what was truncated is gone and the rest stays",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const topic_partition target = at(changelog_topic, 0);
  for (int unit = 0; unit < 10; ++unit)
    life.append(target, {std::to_string(unit), "x"});
  const auto all = life.read_all(target);
  const std::int64_t cut = all[13].offset;
  life.log->truncate(target, next_offset{cut});
  life.log->truncate(target, next_offset{cut - 5});
  // A log may take its time, but not for ever while units are committed.
  std::optional<error> why;
  for (int i = 0; i < 1000 && !why; ++i) {
    life.append(at(output_topic, 0), {"tick"});
    why = life.fetch_error(target, cut - 1);
  }
  REQUIRE(why.has_value());
  CHECK(why->code == errc::not_found);
  const auto left = life.read_all(target, cut);
  REQUIRE(left.size() == all.size() - 13);
  CHECK(left.front().value == all[13].value);
  CHECK(left.back().value == all.back().value);
  // The next offset does not start again.
  life.log->truncate(target, next_offset{all.back().offset + 1});
  life.append(target, {"new"});
  const auto fresh = life.fetch(target, all.back().offset + 1);
  REQUIRE(fresh->records.size() == 1);
  CHECK(fresh->records[0].offset.value() > all.back().offset);
}

TEST_CASE("the reader beside a log shows its topics, bounds and records",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(output_topic, 2), {"a", "b"});
  life.await_visible(at(output_topic, 2));
  const auto reader = fixture->open_reader();
  const auto topics = reader->topics();
  REQUIRE(topics.has_value());
  REQUIRE(topics->size() == 4);
  CHECK((*topics)[3].spec.name == "outputs");
  CHECK((*topics)[3].spec.role == ports::topic_role::output);
  REQUIRE((*topics)[3].partitions.size() == 3);
  CHECK((*topics)[3].partitions[2].end >= next_offset{2});
  CHECK((*topics)[3].partitions[0].end == next_offset{0});
  const auto read = reader->read(at(output_topic, 2), next_offset{0}, 1000);
  REQUIRE(read.has_value());
  REQUIRE((*read)->records.size() == 2);
  CHECK((*read)->records[1].value == "b");
  CHECK((*read)->source == at(output_topic, 2));
  life.append(at(output_topic, 2), {"c"});
  life.await_visible(at(output_topic, 2), (*read)->next.value());
  const auto more = reader->read(at(output_topic, 2), (*read)->next, 1000);
  REQUIRE(more.has_value());
  REQUIRE((*more)->records.size() == 1);
  CHECK((*more)->records[0].value == "c");
  const auto none = reader->read(at(topic_index{77}, 0), next_offset{0}, 10);
  REQUIRE(!none.has_value());
  CHECK(none.error().code == errc::not_found);
}

TEST_CASE("a fetch from above the end says that nothing is there",
          "[conformance][log]") {
  const auto wait =
      GENERATE(ports::fetch_wait::no, ports::fetch_wait::for_records);
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const auto target = at(output_topic, 0);
  life.append(target, {"a"});
  const next_offset end = life.fetch(target, 0)->end;
  life.log->fetch({target, next_offset{end.value() + 1}, 100, wait});
  life.heard.wait([&] { return !life.heard.failures[target].empty(); });
  CHECK(life.heard.look([&] { return life.heard.failures[target][0].code; })
        == errc::not_found);
}

TEST_CASE("the reader reads up to the bounds it shows and not beyond",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(output_topic, 1), {"a", "b"});
  life.await_visible(at(output_topic, 1));
  const auto reader = fixture->open_reader();
  const auto topics = reader->topics();
  REQUIRE(topics.has_value());
  const auto bounds = (*topics)[output_topic.value()].partitions[1];
  CHECK(bounds.begin == next_offset{0});
  const auto whole = reader->read(at(output_topic, 1), bounds.begin, 1000);
  REQUIRE(whole.has_value());
  CHECK((*whole)->next == bounds.end);
  const auto none = reader->read(at(output_topic, 1), bounds.end, 1000);
  REQUIRE(none.has_value());
  CHECK((*none)->records.empty());
  const auto beyond = reader->read(at(output_topic, 1),
                                   next_offset{bounds.end.value() + 1}, 1000);
  REQUIRE(!beyond.has_value());
  CHECK(beyond.error().code == errc::not_found);
}
