#include "node/market_audit.hpp"

#include "actors/market_settings.hpp"
#include "actors/messages/property_messages.hpp"
#include "actors/neighborhood.hpp"
#include "actors/property.hpp"
#include "node/console.hpp"
#include "node/journal.hpp"
#include "node/market_results.hpp"
#include "node/topic_walk.hpp"
#include "runtime/analytics/event_window.hpp"
#include "runtime/base/hash.hpp"
#include "runtime/engine/any_state.hpp"
#include "runtime/engine/changelog_view.hpp"

#include <map>
#include <set>
#include <utility>

namespace freehold::node {

namespace {

using engine::any_state;
using engine::changelog_view;

using all_views = std::vector<changelog_view>;

result<all_views>
read_views(ports::log_reader& from,
           const std::shared_ptr<const engine::application_plan>& plan) {
  all_views views;
  for (std::uint32_t i = 0; i < plan->options.shard_count; ++i) {
    auto view = changelog_view::read(from, plan, partition_index{i});
    if (!view)
      return view.error();
    views.push_back(*std::move(view));
  }
  return views;
}

/// An entity's state as its journal makes it.
struct folded {
  any_state state;
  std::uint64_t sequence = 0;
};

/// Folds the journal of one entity type, each entity's as far as its state is.
class journal_fold {
public:
  journal_fold(const entity_type& type, std::uint32_t index,
               const all_views& views, audit_report& report)
      : type_(type), index_(index), views_(views), report_(report) {}

  result<void> take(const record& from) {
    const auto event = read_event(from);
    if (!event)
      return event.error();
    const auto* const stored = view_of(event->key).find(index_, event->key);
    if (stored == nullptr || event->sequence > stored->sequence) {
      ++report_.newer_events;
      return {};
    }
    auto at = all_.find(event->key);
    if (at == all_.end())
      at = all_.emplace(std::string{event->key}, folded{any_state{type_}, 0})
               .first;
    if (event->sequence != at->second.sequence + 1)
      report_.fault(name_of(event->key) + ": event "
                    + std::to_string(event->sequence)
                    + " follows in the journal on event "
                    + std::to_string(at->second.sequence));
    at->second.sequence = event->sequence;
    ++report_.events;
    return type_.replay(at->second.state.get(), event->type, event->version,
                        event->value);
  }

  result<void> compare() const {
    for (const changelog_view& view : views_)
      for (const auto& [key, stored] : view.of_type(index_)) {
        const any_state kept{type_};
        if (auto read = view.decode(index_, key, stored, kept.get()); !read)
          return read;
        compare_one(key, kept, stored.sequence);
      }
    return {};
  }

private:
  [[nodiscard]] const changelog_view& view_of(std::string_view key) const {
    return views_[partition_of(key, static_cast<std::uint32_t>(views_.size()))
                      .value()];
  }
  [[nodiscard]] std::string name_of(std::string_view key) const {
    return std::string{type_.traits().type} + "/" + std::string{key};
  }

  void compare_one(std::string_view key, const any_state& kept,
                   std::uint64_t version) const {
    ++report_.states;
    const auto made = all_.find(key);
    if (made == all_.end() || made->second.sequence != version) {
      report_.fault(
          name_of(key) + ": its state has version " + std::to_string(version)
          + ", its journal goes to "
          + std::to_string(made == all_.end() ? 0 : made->second.sequence));
      return;
    }
    std::string is;
    std::string should_be;
    type_.encode(kept.get(), is);
    type_.encode(made->second.state.get(), should_be);
    if (is != should_be)
      report_.fault(name_of(key) + ": its state is " + type_.to_json(kept.get())
                    + ", its journal makes "
                    + type_.to_json(made->second.state.get()));
  }

  const entity_type& type_;
  const std::uint32_t index_;
  const all_views& views_;
  audit_report& report_;
  std::map<std::string, folded, std::less<>> all_;
};

/// By ZIP code and the window's start.
using window_sums =
    std::map<std::pair<std::string, std::int64_t>, market::sale_totals>;

/// The sales of the properties' journal but those that were left out.
result<window_sums> batch_of(ports::log_reader& from, std::string_view journal,
                             audit_report& report) {
  const auto topics = from.topics();
  if (!topics)
    return topics.error();
  std::set<std::string, std::less<>> left_out;
  auto walked =
      walk_topic(from, *topics, market::late_topic,
                 [&](const record& each) -> result<void> {
                   const auto sale =
                       codec::from_json<market::sale_left_out>(each.value);
                   if (!sale)
                     return sale.error();
                   left_out.insert(sale->sale_id);
                   return {};
                 });
  if (!walked)
    return walked.error();
  report.left_out = left_out.size();
  window_sums sums;
  walked = walk_topic(
      from, *topics, journal, [&](const record& each) -> result<void> {
        const auto event = read_event(each);
        if (!event)
          return event.error();
        if (event->type != market::property_sold::type
            || left_out.contains(event->id))
          return {};
        const auto sold = codec::from_json<market::property_sold>(event->value);
        if (!sold)
          return sold.error();
        const std::int64_t start =
            analytics::floor_to(sold->timestamp.value().value(),
                                market::market_settings::window_length);
        sums[{sold->metadata.zipcode.value_or(""), start}].merge(
            market::sale_totals::of(
                sold->changes.price.value_or(market::money{}).cents()));
        return {};
      });
  if (!walked)
    return walked.error();
  return sums;
}

std::string text_of(const market::sale_totals& sums) {
  return with_commas(sums.count) + " sales, " + dollars(sums.total_cents)
         + " in all, from " + dollars(sums.minimum_cents) + " to "
         + dollars(sums.maximum_cents);
}

std::string window_name(const std::pair<std::string, std::int64_t>& which) {
  return "the window of " + which.first + " from "
         + time_text(timestamp{which.second});
}

void compare_window(const std::pair<std::string, std::int64_t>& which,
                    const window_sums& batch, const market::sale_totals& found,
                    const char* where, audit_report& report) {
  const auto expected = batch.find(which);
  const market::sale_totals sums =
      expected == batch.end() ? market::sale_totals{} : expected->second;
  if (found != sums)
    report.fault(window_name(which) + " has " + where + " " + text_of(found)
                 + "; the journal makes it " + text_of(sums));
}

} // namespace

result<void>
audit_journals(ports::log_reader& from,
               const std::shared_ptr<const engine::application_plan>& plan,
               audit_report& report) {
  const auto views = read_views(from, plan);
  if (!views)
    return views.error();
  const auto topics = from.topics();
  if (!topics)
    return topics.error();
  for (std::uint32_t i = 0; i < plan->types.size(); ++i) {
    const entity_type& type = *plan->types[i];
    if (type.traits().journal != journal_mode::events)
      continue;
    journal_fold fold{type, i, *views, report};
    auto walked =
        walk_topic(from, *topics, type.traits().journal_topic,
                   [&fold](const record& each) { return fold.take(each); });
    if (!walked)
      return walked;
    if (auto compared = fold.compare(); !compared)
      return compared;
  }
  return {};
}

result<void>
audit_windows(ports::log_reader& from,
              const std::shared_ptr<const engine::application_plan>& plan,
              audit_report& report) {
  const auto type = plan->type(market::neighborhood::traits.type);
  if (!type)
    return {};
  const auto views = read_views(from, plan);
  if (!views)
    return views.error();
  const auto results = read_results(from);
  if (!results)
    return results.error();
  // Of the kind that the application has: it decides, or it follows.
  const auto properties = plan->type(market::property::traits.type);
  if (!properties)
    return {};
  const auto batch =
      batch_of(from, plan->types[*properties]->traits().journal_topic, report);
  if (!batch)
    return batch.error();
  std::set<std::pair<std::string, std::int64_t>> seen;
  for (const auto& [which, said] : results->prices) {
    ++report.closed_windows;
    seen.insert(which);
    compare_window(which, *batch,
                   {said.count, said.total.cents(), said.minimum.cents(),
                    said.maximum.cents()},
                   "as published", report);
  }
  const auto shape = market::market_settings{}.windows();
  for (const changelog_view& view : *views)
    for (const auto& [key, stored] : view.of_type(*type)) {
      const auto state = view.state<market::neighborhood>(*type, key, stored);
      if (!state)
        return state.error();
      for (const auto& [start, sums] : state->prices.panes) {
        if (shape.last_end(start) <= state->prices.closed_to)
          continue;
        ++report.open_windows;
        const std::pair which{std::string{key}, start};
        seen.insert(which);
        compare_window(which, *batch, sums, "so far", report);
      }
    }
  for (const auto& [which, sums] : *batch)
    if (!seen.contains(which))
      report.fault(window_name(which) + " is neither published nor open; the "
                   + "journal makes it " + text_of(sums));
  return {};
}

} // namespace freehold::node
