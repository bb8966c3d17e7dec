#include "tests/simulation/accounts_and_books.hpp"

#include "tests/simulation/campaign_model.hpp"
#include "tests/testkit/simulation/checks.hpp"

#include <set>

namespace freehold::simulation {

namespace {

constexpr std::uint64_t key_count = 12;
constexpr std::uint64_t book_count = 3;

act draw_act(choices& chance, const std::string& id) {
  act made;
  made.id = id;
  made.amount = static_cast<std::int64_t>(chance.below(1000));
  if (chance.one_in(12))
    made.amount = -made.amount - 1;
  if (chance.one_in(8))
    made.failures = static_cast<std::int32_t>(1 + chance.below(2));
  else if (chance.one_in(25))
    made.failures = -1;
  if (chance.one_in(25))
    made.permanent = true;
  if (chance.one_in(3)) {
    made.book = "b" + std::to_string(chance.below(book_count));
    if (chance.one_in(8))
      made.note_failures = static_cast<std::int32_t>(1 + chance.below(2));
    else if (chance.one_in(25))
      made.note_failures = -1;
  }
  if (chance.one_in(6)) {
    made.ring_after = static_cast<std::int64_t>(chance.below(8000));
    if (chance.one_in(2))
      made.shared_name = true;
    else if (chance.one_in(5))
      made.ring_failures = chance.one_in(3) ? -1 : 1;
  } else if (chance.one_in(20)) {
    made.cancel = true;
  }
  if (chance.one_in(5))
    made.publish_bytes = static_cast<std::uint32_t>(chance.below(300));
  else if (chance.one_in(400)) // too large for the log, and nothing else wrong
    made = act{.id = id, .amount = 1, .publish_bytes = 1'200'000};
  else if (chance.one_in(400))
    made = act{.id = id, .amount = 1, .grow = 1'200'000};
  else if (chance.one_in(10))
    made.grow = static_cast<std::uint32_t>(chance.below(200));
  return made;
}

bool may_be_repeated(const command& what) {
  return what.topic == "acts" && !what.headers.empty();
}

command draw_command(choices& chance, const std::vector<command>& before) {
  command made;
  made.key = "k" + std::to_string(chance.below(key_count));
  const bool second = chance.one_in(4);
  made.topic = second ? "more-acts" : "acts";
  if (!second && chance.one_in(5) && !before.empty()) {
    const command& again = before[chance.below(before.size())];
    if (may_be_repeated(again))
      return again;
  }
  const std::string id = "c" + std::to_string(before.size());
  made.headers.emplace_back("ce_id", id);
  if (chance.one_in(20)) {
    made.value = chance.one_in(2) ? "{not json " + id
                                  : R"({"id":17,"amount":")" + id + "\"}";
    return made;
  }
  codec::to_json(made.value, draw_act(chance, id));
  if (!second && chance.one_in(3))
    made.headers.clear(); // names no id
  return made;
}

/// What the commands that were sent mean.
commands meanings(const std::vector<command>& sent) {
  commands all;
  for (const command& each : sent) {
    const auto said = codec::from_json<act>(each.value);
    all.emplace(each.value,
                said ? std::optional<act>{*said} : std::optional<act>{});
  }
  return all;
}

std::uint64_t check_everything(const cut& all) {
  comparisons counted;
  const states expected =
      check_log(all, meanings(all.sent()), repetition::never, counted);
  const auto found = all.all_states();
  for (const auto& [address, state] : expected) {
    const auto is = found.find(address);
    require(is != found.end(), address + " is missing");
    require(is->second == state,
            address + " is " + is->second + " instead of " + state);
  }
  require(found.size() == expected.size(), "there are more entities");
  require(counted.inputs == all.sent().size(),
          "of " + std::to_string(all.sent().size()) + " commands "
              + std::to_string(counted.inputs) + " lie in the log");
  return counted.inputs + counted.events + counted.dead_letters + counted.timers
         + counted.notes + counted.publications + expected.size();
}

/// What callers were told is in the log, and stays so.
std::uint64_t check_answers(const cut& all) {
  std::set<std::string> causes;
  for (const auto& event : all.records("account-events"))
    causes.insert(event.headers.at("ce_id"));
  for (const auto& [node, at, notice] : all.told()) {
    if (notice.status != engine::answer_status::applied
        || notice.entity != "account" || notice.body.empty())
      continue;
    const auto body = codec::from_json<acted_answer>(notice.body).value();
    require(causes.contains(body.cause),
            notice.event_id + " was answered by node " + std::to_string(node)
                + " and is not in the journal");
  }
  return answers_agree(all);
}

} // namespace

campaign accounts_and_books(std::uint32_t command_count) {
  return campaign{campaign_application()}
      .commands(command_count, draw_command)
      // What should be in the other topics is read from the sources.
      .without(fault_kind::taken_expired)
      .at_rest("each input takes effect once and in order", check_everything)
      .at_rest("what was answered lasts", check_answers);
}

campaign late_ends() {
  return accounts_and_books(100).nodes(1, 2).faults(40).only(
      {fault_kind::unknown_late, fault_kind::aborted, fault_kind::slow_marker,
       fault_kind::clogged});
}

campaign moving_shards() {
  return accounts_and_books(60)
      .nodes(2, 3)
      .faults(12)
      .without(fault_kind::crash_point)
      .without(fault_kind::produced_twice)
      .without(fault_kind::clock_set)
      .without(fault_kind::entity_ended);
}

} // namespace freehold::simulation
