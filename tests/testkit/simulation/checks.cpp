#include "tests/testkit/simulation/checks.hpp"

#include "runtime/engine/any_state.hpp"
#include "tests/testkit/simulation/violation.hpp"

#include <map>
#include <utility>

namespace freehold::simulation {

namespace {

struct folded {
  engine::any_state state;
  std::uint64_t sequence = 0;
};

std::uint64_t fold_one_type(const cut& all, std::uint32_t index) {
  const entity_type& type = *all.plan()->types[index];
  std::map<std::string, folded> folds;
  std::uint64_t compared = 0;
  for (const auto& event : all.records(type.traits().journal_topic)) {
    auto& to = folds.try_emplace(event.key, folded{engine::any_state{type}, 0})
                   .first->second;
    const std::string& id = event.headers.at("ce_id");
    ++to.sequence;
    require(event.headers.at("ce_sequence") == std::to_string(to.sequence),
            "event " + id + " of " + event.key + " has number "
                + event.headers.at("ce_sequence") + " where "
                + std::to_string(to.sequence) + " is next");
    const auto version = event.headers.find("ce_dataversion");
    const auto applied = type.replay(
        to.state.get(), event.headers.at("ce_type"),
        version == event.headers.end()
            ? 1
            : static_cast<std::uint32_t>(std::stoul(version->second)),
        event.value);
    require(applied.has_value(), "event " + id + " cannot be applied");
    ++compared;
  }
  for (const auto& shard : all.views())
    for (const auto& [key, stored] : shard.of_type(index)) {
      const std::string address =
          std::string{type.traits().type}.append("/").append(key);
      const auto fold = folds.find(key);
      require(stored.sequence == 0 || fold != folds.end(),
              address + " has a state and no journal");
      if (fold == folds.end())
        continue;
      require(fold->second.sequence == stored.sequence,
              address + " has seen " + std::to_string(stored.sequence)
                  + " events, and its journal has "
                  + std::to_string(fold->second.sequence));
      const std::string is = shard.json(index, key, stored).value();
      const std::string made = type.to_json(fold->second.state.get());
      require(is == made,
              address + " is " + is + ", and its journal makes " + made);
      folds.erase(fold);
      ++compared;
    }
  require(folds.empty(), "there are events of "
                             + (folds.empty() ? "" : folds.begin()->first)
                             + ", and no state");
  return compared;
}

} // namespace

std::uint64_t states_are_folds(const cut& all) {
  std::uint64_t compared = 0;
  for (std::uint32_t i = 0; i < all.plan()->types.size(); ++i)
    if (all.plan()->types[i]->traits().journal == journal_mode::events)
      compared += fold_one_type(all, i);
  return compared;
}

std::uint64_t answers_agree(const cut& all) {
  std::map<std::string, const engine::answer_notice*> first;
  for (const auto& told : all.told()) {
    const auto& notice = told.notice;
    if (notice.status == engine::answer_status::dead_lettered)
      continue;
    const auto& before =
        *first.try_emplace(notice.event_id, &notice).first->second;
    require(before.status == notice.status && before.body == notice.body,
            notice.event_id + " was answered " + before.body + " and then "
                + notice.body);
  }
  return all.told().size();
}

} // namespace freehold::simulation
