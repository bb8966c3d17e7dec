// The reference: reads the source topics in their order, derives what must be
// in every other topic, and compares.

#include "tests/simulation/campaign_model.hpp"

#include "runtime/engine/envelope.hpp"

#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace freehold::simulation {

namespace {

constexpr std::uint32_t attempts_max = 3;

/// An input record's place, as ids and dead letters name it.
std::string place(std::string_view topic, std::uint32_t partition,
                  std::int64_t offset) {
  return std::string{topic} + "/" + std::to_string(partition) + "/"
         + std::to_string(offset);
}

struct input_record {
  std::string place;
  std::string topic;
  std::string key;
  const act* meant = nullptr; // null: undecodable
  bool may_be_left_out = false;
};

struct expectations {
  std::vector<input_record> inputs;
  /// Place to attempts.
  std::map<std::string, std::uint32_t> dead_letters;
  /// Dead letters that may be there or not.
  std::set<std::string> perhaps_dead;
  /// Per key and topic, the accepted inputs in their order.
  std::map<std::pair<std::string, std::string>, std::vector<std::size_t>>
      accepted;
};

class log_check {
public:
  log_check(const cut& log, const commands& meant, repetition repeated,
            comparisons& counted)
      : log_(log), meant_(meant), repeated_(repeated), counted_(counted) {}

  states run() {
    read_inputs("acts");
    read_inputs("more-acts");
    check_journal();
    check_dead_letters();
    check_notes();
    check_outputs();
    states all;
    for (const auto& [key, state] : accounts_)
      codec::to_json(all["account/" + key], state);
    for (const auto& [key, state] : books_)
      codec::to_json(all["book/" + key], state);
    return all;
  }

private:
  void read_inputs(const std::string& topic) {
    std::set<std::string> ids;
    for (const auto& each : log_.records(topic)) {
      ++counted_.inputs;
      input_record in;
      in.place = place(topic, each.partition, each.offset);
      in.topic = topic;
      in.key = each.key;
      const auto found = meant_.find(each.value);
      require(found != meant_.end(), "an input that nobody sent: " + in.place);
      in.meant = found->second ? &*found->second : nullptr;
      const auto id = each.headers.find("ce_id");
      // A command that becomes a dead letter is tried anew when it is sent
      // again.
      const bool repeats = topic == "acts" && in.meant != nullptr
                           && attempts_of_dead(*in.meant) == 0
                           && id != each.headers.end()
                           && !ids.insert(id->second).second;
      if (repeats && repeated_ == repetition::never)
        continue;
      in.may_be_left_out = repeats;
      expect(in);
    }
  }

  /// After how many attempts the command becomes a dead letter; 0: it does
  /// not.
  static std::uint32_t attempts_of_dead(const act& meant) {
    if (meant.permanent || meant.publish_bytes > 1'000'000
        || meant.grow > 1'000'000)
      return 1;
    return meant.failures.value_or(0) < 0 ? attempts_max : 0;
  }

  void expect(const input_record& in) {
    const auto letter = [&](std::uint32_t attempts) {
      expected_.dead_letters[in.place] = attempts;
      if (in.may_be_left_out)
        expected_.perhaps_dead.insert(in.place);
    };
    const std::uint32_t attempts =
        in.meant == nullptr ? 1 : attempts_of_dead(*in.meant);
    if (attempts > 0)
      letter(attempts);
    else if (in.meant->amount >= 0)
      expected_.accepted[{in.key, in.topic}].push_back(expected_.inputs.size());
    expected_.inputs.push_back(in);
  }

  // -- the journal -----------------------------------------------------------

  struct per_key {
    std::uint64_t sequence = 0;
    std::map<std::string, std::size_t> next; // by topic
    std::optional<std::string> shared_timer;
    /// Replaced or cancelled; one that was due before may still ring, where
    /// its message waited behind the one that did it.
    std::set<std::string> withdrawn;
    std::set<std::string> timers;
  };

  void check_journal() {
    std::map<std::string, per_key> keys;
    for (const auto& each : log_.records("account-events")) {
      ++counted_.events;
      const std::string& id = each.headers.at("ce_id");
      require(ids_.insert("account-events " + id).second,
              "an event twice in the journal: " + id);
      per_key& of = keys[each.key];
      const std::string sequence = std::to_string(++of.sequence);
      require(each.headers.at("ce_sequence") == sequence,
              "event " + id + " of " + each.key + " has sequence "
                  + each.headers.at("ce_sequence") + ", not " + sequence);
      if (each.headers.at("ce_type") == "Acted")
        check_acted(each, id, of);
      else
        check_rang(each, id, of);
    }
    for (const auto& [whose, list] : expected_.accepted) {
      per_key& of = keys[whose.first];
      std::size_t& next = of.next[whose.second];
      while (next < list.size() && expected_.inputs[list[next]].may_be_left_out)
        ++next;
      require(next == list.size(),
              next < list.size() ? "an input took no effect: "
                                       + expected_.inputs[list[next]].place
                                 : "");
    }
    for (const auto& [key, of] : keys) {
      require(!of.shared_timer,
              "the timer \"shared\" of " + key
                  + " never fired: " + of.shared_timer.value_or(""));
      for (const std::string& cause : of.timers)
        require(ring_dead_.contains(cause), "a timer never fired: " + cause);
    }
  }

  void check_acted(const testkit::seen_record& event, const std::string& id,
                   per_key& of) {
    const std::string cause = id.substr(0, id.rfind('/'));
    const std::string topic = id.substr(0, id.find('/'));
    const auto& list = expected_.accepted[{event.key, topic}];
    std::size_t& next = of.next[topic];
    while (next < list.size() && expected_.inputs[list[next]].place != cause
           && expected_.inputs[list[next]].may_be_left_out)
      ++next;
    require(next < list.size(), "an event of no accepted input: " + id);
    const input_record& in = expected_.inputs[list[next++]];
    require(in.place == cause,
            "event " + id + " where " + in.place + " is next");
    const auto said = codec::from_json<acted>(event.value).value();
    require(said.id == in.meant->id && said.amount == in.meant->amount,
            "event " + id + " says something else than its input");
    account::apply(accounts_[event.key], said);
    causes_.emplace(id, in.meant);
    if (of.shared_timer
        && (in.meant->cancel
            || (in.meant->ring_after && in.meant->shared_name)))
      of.withdrawn.insert(*of.shared_timer);
    if (in.meant->ring_after) {
      if (in.meant->shared_name)
        of.shared_timer = id;
      else if (in.meant->ring_failures.value_or(0) < 0)
        ring_dead_.insert(id);
      else
        of.timers.insert(id);
    }
    if (in.meant->cancel)
      of.shared_timer.reset();
  }

  void check_rang(const testkit::seen_record& event, const std::string& id,
                  per_key& of) {
    ++counted_.timers;
    const auto said = codec::from_json<rang>(event.value).value();
    require(said.at >= said.due, "a timer fired early: " + id);
    require(causes_.contains(said.cause),
            "a timer that nobody set: " + said.cause);
    if (said.shared) {
      if (of.withdrawn.erase(said.cause) == 0) {
        require(of.shared_timer == said.cause,
                "a timer that nobody set, or done, fired: " + said.cause);
        of.shared_timer.reset();
      }
    } else {
      require(of.timers.erase(said.cause) == 1,
              "a timer fired twice: " + said.cause);
    }
    account::apply(accounts_[event.key], said);
  }

  // -- the other topics ------------------------------------------------------

  void check_dead_letters() {
    std::set<std::string> seen;
    std::set<std::string> rings = ring_dead_;
    for (const auto& each : log_.records("dead-letter-events")) {
      ++counted_.dead_letters;
      const std::string& topic = each.headers.at("dlq_topic");
      const std::string where = topic + "/" + each.headers.at("dlq_partition")
                                + "/" + each.headers.at("dlq_offset");
      require(seen.insert(where).second, "a dead letter twice: " + where);
      const std::string& attempts = each.headers.at("dlq_attempts");
      if (topic == "inbox" || topic == "timer") {
        require(attempts == std::to_string(attempts_max),
                "dead letter " + where + " after " + attempts);
        const auto message = engine::decode_envelope(each.value).value();
        if (topic == "timer") {
          const auto said =
              codec::from_msgpack<ring>(message.body, message.version).value();
          require(rings.erase(said.cause) == 1,
                  "a dead timer that should not be: " + where);
        } else {
          const auto said =
              codec::from_msgpack<note>(message.body, message.version).value();
          require(dead_notes_.insert(said.cause).second,
                  "a note is a dead letter twice: " + where);
        }
        continue;
      }
      const auto found = expected_.dead_letters.find(where);
      require(found != expected_.dead_letters.end(),
              "a dead letter that should not be: " + where + " ("
                  + each.headers.at("dlq_error") + ")");
      require(attempts == std::to_string(found->second),
              "dead letter " + where + " after " + attempts
                  + " attempts instead of " + std::to_string(found->second));
      require(meant_.contains(each.value),
              "dead letter " + where + " lost its bytes");
      expected_.dead_letters.erase(found);
    }
    for (const auto& [where, attempts] : expected_.dead_letters)
      require(expected_.perhaps_dead.contains(where),
              "no dead letter for " + where);
    require(rings.empty(),
            "no dead letter for the timer of "
                + (rings.empty() ? std::string{} : *rings.begin()));
  }

  void check_notes() {
    std::set<std::string> lines;
    for (const auto& each : log_.records("book-lines")) {
      ++counted_.notes;
      const std::string& id = each.headers.at("ce_id");
      require(ids_.insert("book-lines " + id).second,
              "an id twice in book-lines: " + id);
      const auto said = codec::from_json<line>(each.value).value();
      require(lines.insert(said.cause).second, "a note twice: " + said.cause);
      const auto cause = causes_.find(said.cause);
      require(cause != causes_.end() && cause->second->book == each.key,
              "a note of no accepted input: " + said.cause);
      book::state& of = books_[each.key];
      of.total += cause->second->amount;
      ++of.entries;
    }
    for (const auto& [cause, meant] : causes_) {
      if (!meant->book)
        continue;
      if (meant->note_failures.value_or(0) < 0)
        require(dead_notes_.contains(cause), "no dead letter for " + cause);
      else
        require(lines.contains(cause), "a note never came: " + cause);
    }
    for (const std::string& cause : dead_notes_)
      require(causes_.contains(cause)
                  && causes_[cause]->note_failures.value_or(0) < 0,
              "a note died that should not: " + cause);
  }

  void check_outputs() {
    std::set<std::string> seen;
    for (const auto& each : log_.records("outputs")) {
      ++counted_.publications;
      const std::string cause = each.value.substr(0, each.value.find(' '));
      require(seen.insert(cause).second, "published twice: " + cause);
      const auto found = causes_.find(cause);
      require(found != causes_.end() && found->second->publish_bytes,
              "published by no accepted input: " + cause);
    }
    for (const auto& [cause, meant] : causes_)
      require(!meant->publish_bytes || seen.contains(cause),
              "never published: " + cause);
  }

  const cut& log_;
  const commands& meant_;
  const repetition repeated_;
  comparisons& counted_;
  expectations expected_;
  std::set<std::string> ids_;
  /// Events of accepted inputs, with what they were meant to do.
  std::map<std::string, const act*> causes_;
  std::set<std::string> ring_dead_;
  std::set<std::string> dead_notes_;
  std::map<std::string, account::state> accounts_;
  std::map<std::string, book::state> books_;
};

} // namespace

states check_log(const cut& log, const commands& meant, repetition repeated,
                 comparisons& counted) {
  return log_check{log, meant, repeated, counted}.run();
}

} // namespace freehold::simulation
