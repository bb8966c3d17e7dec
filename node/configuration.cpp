#include "node/configuration.hpp"

#include "node/configuration_values.hpp"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <map>
#include <system_error>

namespace freehold::node {

namespace {

/// A configuration is typed by people; beyond this it is another file.
constexpr std::size_t file_bytes_max = 1 * mebibytes;

/// The number of single-letter edits between two words.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

/// What somebody who wrote `unknown` may have meant, or nothing: the option
/// with the same last name, or else the one that is spelled most alike.
std::string_view nearest_key(std::string_view unknown) {
  constexpr std::size_t compared_max = 100;
  if (unknown.size() > compared_max)
    return {};
  std::string_view best;
  std::size_t best_distance = 3 + unknown.size() / 4;
  for (const option& each : options()) {
    const std::string_view name = each.key.substr(each.key.find('.') + 1);
    const std::string_view last = unknown.substr(unknown.find('.') + 1);
    const std::size_t steps =
        name == last
            ? 1
            : std::min(distance(unknown, each.key), distance(last, name) + 1);
    if (steps < best_distance) {
      best_distance = steps;
      best = each.key;
    }
  }
  return best;
}

std::string unknown_option(std::string_view key) {
  std::string text = "there is no option `";
  text.append(key).append("`");
  if (const std::string_view near = nearest_key(key); !near.empty())
    text.append("; did you mean `").append(near).append("`?");
  else
    text.append("; docs/configuration.md lists all options");
  return text;
}

bool is_group(std::string_view name) {
  return std::ranges::any_of(options(), [&](const option& each) {
    return each.key.substr(0, each.key.find('.')) == name;
  });
}

// -- what only shows together ------------------------------------------------

struct rule {
  /// The options it is about; the first is the one to change.
  std::vector<std::string_view> keys;
  /// What is wrong and what to do about it, or nothing.
  std::string (*complaint)(const configuration&);
  bool is_fatal = true;
};

using c = configuration;

const std::vector<rule> rules{
    {{"application.events-topic", "application.source"},
     [](const c& x) -> std::string {
       if (x.application_source == application_source::events
           || x.events_topic == c{}.events_topic)
         return {};
       return "application.events-topic is " + x.events_topic
              + ", and application.source: commands reads no events; set "
                "application.source: events, or remove the former";
     },
     false},
    {{"engine.workers", "application.shards"},
     [](const c& x) -> std::string {
       if (x.workers <= x.shards)
         return {};
       return "engine.workers (" + std::to_string(x.workers)
              + ") is above application.shards (" + std::to_string(x.shards)
              + "), and a worker without a shard does nothing; set "
                "engine.workers to at most "
              + std::to_string(x.shards);
     }},
    {{"engine.stop-timeout-ms", "engine.commit-interval-ms"},
     [](const c& x) -> std::string {
       if (x.stop_timeout > x.commit_interval)
         return {};
       return "engine.stop-timeout-ms is not above "
              "engine.commit-interval-ms, so a stop could not wait for one "
              "unit; raise the former or lower the latter";
     }},
    {{"engine.fetch-bytes", "engine.held-bytes-max"},
     [](const c& x) -> std::string {
       if (x.fetch_bytes <= x.held_bytes_max)
         return {};
       return "engine.fetch-bytes is above engine.held-bytes-max, so one "
              "read could pass the bound; lower the former or raise the "
              "latter";
     }},
    {{"log.directory", "log.kind"},
     [](const c& x) -> std::string {
       if (x.log_kind == log_kind::memory || !x.log_directory.empty())
         return {};
       return x.log_kind == log_kind::embedded
                  ? "log.directory is required with log.kind: embedded; name a "
                    "directory for the log's files"
                  : "log.directory is required with log.kind: kafka; name a "
                    "directory for what the node notes about crashes";
     }},
    {{"kafka.bootstrap-servers", "log.kind"},
     [](const c& x) -> std::string {
       if (x.log_kind != log_kind::kafka || !x.kafka_bootstrap_servers.empty())
         return {};
       return "kafka.bootstrap-servers is required with log.kind: kafka; name "
              "brokers of the cluster as host:port";
     }},
    {{"node.id", "log.kind"},
     [](const c& x) -> std::string {
       if (x.log_kind != log_kind::kafka || !x.node_id.empty())
         return {};
       return "node.id is required with log.kind: kafka; give each node of the "
              "application a name of its own that stays through restarts";
     }},
    {{"log.map-bytes-max", "engine.unit-bytes-max", "log.kind"},
     [](const c& x) -> std::string {
       if (x.log_kind != log_kind::embedded
           || x.log_map_bytes_max / 4 >= x.unit_bytes_max)
         return {};
       return "log.map-bytes-max is below four times engine.unit-bytes-max, "
              "so the log would be full after a few units; raise the former "
              "or lower the latter";
     }},
    {{"changelog.slack-bytes", "log.map-bytes-max", "log.kind"},
     [](const c& x) -> std::string {
       if (x.log_kind != log_kind::embedded
           || x.changelog_slack_bytes < x.log_map_bytes_max)
         return {};
       return "changelog.slack-bytes is not below log.map-bytes-max, so "
              "the log would be full before it is compacted; lower the "
              "former or raise the latter";
     }},
    {{"log.kind"},
     [](const c& x) -> std::string {
       if (x.log_kind != log_kind::memory)
         return {};
       return "log.kind is memory: everything is gone when the process "
              "ends; use `embedded` to keep it";
     },
     false},
    {{"log.directory", "log.kind"},
     [](const c& x) -> std::string {
       if (x.log_kind != log_kind::memory || x.log_directory.empty())
         return {};
       return "log.directory has no effect with log.kind: memory";
     },
     false},
    {{"log.fsync", "log.kind"},
     [](const c& x) -> std::string {
       if (x.log_kind != log_kind::embedded || x.log_fsync)
         return {};
       return "log.fsync is false: a power failure may lose what was "
              "reported as committed";
     },
     false},
};

// -- loading -----------------------------------------------------------------

/// Fills one `loaded_configuration`, layer by layer, and keeps the faults.
class loader {
public:
  loader() : faulty_(options().size(), false) {
    loaded_.origins.assign(options().size(), "default");
  }

  void read_yaml(const std::string& file, const std::string& text);
  void read_environment(const std::vector<std::string>& entries);
  void read_settings(const std::vector<std::string>& settings);

  /// Checks what only shows when all values are known.
  result<loaded_configuration> finish() &&;

private:
  void fault(std::string_view place, std::string_view what) {
    faults_.append("\n  ").append(place).append(": ").append(what);
    ++fault_count_;
  }

  std::string place_of(const YAML::Mark& mark) const {
    if (mark.is_null())
      return file_;
    return file_ + ":" + std::to_string(mark.line + 1) + ":"
           + std::to_string(mark.column + 1);
  }

  void read_root(const YAML::Node& root);
  void read_entries(const std::string& group, const YAML::Node& all);
  void read_entry(const std::string& key, const YAML::Node& name,
                  const YAML::Node& value);
  bool seen_before(const std::string& key, const YAML::Mark& mark);
  void set(const std::string& key, std::string_view text,
           const std::string& place);
  void check(const rule& what);

  static std::size_t index_of(std::string_view key);

  loaded_configuration loaded_;
  std::string file_;
  /// Keys and groups of the file, with the place of the first occurrence.
  std::map<std::string, std::string> seen_;
  /// For each option: a value was refused, so rules about it say nothing.
  std::vector<bool> faulty_;
  std::string faults_;
  std::size_t fault_count_ = 0;
};

/// The place in the table of the option that has the key, or one past the end.
std::size_t loader::index_of(std::string_view key) {
  const auto found = std::ranges::find_if(options(), [&](const option& each) {
    if (!internal::is_open(each))
      return each.key == key;
    const auto prefix = internal::entry_prefix(each);
    return key.size() > prefix.size() && key.starts_with(prefix);
  });
  return static_cast<std::size_t>(found - options().begin());
}

void loader::set(const std::string& key, std::string_view text,
                 const std::string& place) {
  const std::size_t at = index_of(key);
  if (at == options().size())
    return fault(place, unknown_option(key));
  const std::string wrong =
      internal::assign(options()[at], key, text, loaded_.values);
  if (!wrong.empty()) {
    faulty_[at] = true;
    return fault(place, key + ": " + wrong);
  }
  loaded_.origins[at] = place;
  if (internal::is_open(options()[at]))
    loaded_.entry_origins[key] = place;
}

// -- the file ----------------------------------------------------------------

bool loader::seen_before(const std::string& key, const YAML::Mark& mark) {
  const auto [first, is_new] = seen_.emplace(key, place_of(mark));
  if (!is_new)
    fault(place_of(mark), "`" + key + "` is given twice, first at "
                              + first->second + "; remove one of them");
  return !is_new;
}

void loader::read_entry(const std::string& key, const YAML::Node& name,
                        const YAML::Node& value) {
  if (seen_before(key, name.Mark()))
    return;
  const bool has_entries = std::ranges::any_of(
      options(), [&](const option& each) { return each.key == key + ".*"; });
  if (value.IsMap() && has_entries) {
    read_entries(key, value);
    return;
  }
  const std::size_t at = index_of(key);
  if (at == options().size())
    return fault(place_of(name.Mark()), unknown_option(key));
  if (value.IsScalar())
    return set(key, value.Scalar(), place_of(value.Mark()));
  faulty_[at] = true;
  const std::string expected =
      "; expected is " + internal::type_text(options()[at]);
  if (value.IsNull())
    return fault(place_of(name.Mark()), key + ": has no value" + expected);
  fault(place_of(value.Mark()),
        key + (value.IsMap() ? ": is a group" : ": is a list") + expected);
}

void loader::read_entries(const std::string& group, const YAML::Node& all) {
  for (const auto& each : all)
    if (each.first.IsScalar())
      read_entry(group + "." + each.first.Scalar(), each.first, each.second);
    else
      fault(place_of(each.first.Mark()), "a key has to be plain text");
}

void loader::read_root(const YAML::Node& root) {
  if (root.IsNull())
    return;
  if (!root.IsMap())
    return fault(place_of(root.Mark()),
                 "expected are groups of options, such as `engine:`");
  for (const auto& top : root) {
    if (!top.first.IsScalar()) {
      fault(place_of(top.first.Mark()), "a key has to be plain text");
      continue;
    }
    const std::string& group = top.first.Scalar();
    if (!top.second.IsMap()) {
      if (!is_group(group))
        read_entry(group, top.first, top.second);
      else if (!seen_before(group, top.first.Mark()) && !top.second.IsNull())
        fault(place_of(top.second.Mark()),
              "`" + group + "` is a group; write its options below it");
      continue;
    }
    if (index_of(group) != options().size()) {
      read_entry(group, top.first, top.second);
      continue;
    }
    seen_before(group, top.first.Mark());
    read_entries(group, top.second);
  }
}

void loader::read_yaml(const std::string& file, const std::string& text) {
  file_ = file;
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1)
      return fault(file_, "has more than one YAML document; keep the first");
    if (!documents.empty())
      read_root(documents.front());
  } catch (const YAML::Exception& why) {
    fault(place_of(why.mark), "is not YAML: " + why.msg);
  }
}

// -- the other layers --------------------------------------------------------

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](char x) {
    return x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x;
  });
  return text;
}

/// The key that a variable sets, or nothing.
std::string key_of_variable(const std::string& name) {
  for (const option& each : options()) {
    if (!internal::is_open(each)) {
      if (environment_name(each.key) == name)
        return std::string{each.key};
      continue;
    }
    const auto prefix = internal::entry_prefix(each);
    const std::string before = environment_name(prefix);
    if (!name.starts_with(before) || name.size() == before.size())
      continue;
    std::string entry = lower_case(name.substr(before.size()));
    std::ranges::replace(entry, '_', '.');
    return std::string{prefix}.append(entry);
  }
  return {};
}

void loader::read_environment(const std::vector<std::string>& entries) {
  constexpr std::string_view prefix = "FREEHOLD_";
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    if (!entry.starts_with(prefix) || equals == std::string::npos)
      continue;
    const std::string name = entry.substr(0, equals);
    if (const std::string key = key_of_variable(name); !key.empty()) {
      set(key, std::string_view{entry}.substr(equals + 1), name);
      continue;
    }
    // Put back into the form of a key, for a group and a likeness.
    std::string key = lower_case(name.substr(prefix.size()));
    std::ranges::replace(key, '_', '-');
    const std::size_t dash = std::min(key.find('-'), key.size());
    const bool ours = is_group(key.substr(0, dash));
    if (dash < key.size())
      key[dash] = '.';
    std::string what = "no option has this variable";
    if (const std::string_view near = nearest_key(key); !near.empty())
      what.append("; did you mean ").append(environment_name(near)).append("?");
    // Outside our groups it may be meant for somebody else.
    if (ours)
      fault(name, what);
    else
      loaded_.warnings.push_back(name + ": " + what);
  }
}

void loader::read_settings(const std::vector<std::string>& settings) {
  std::map<std::string, bool> given;
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      fault("--set", "`" + setting + "` has no value; write key=value");
      continue;
    }
    const std::string key = setting.substr(0, equals);
    if (!given.emplace(key, true).second) {
      fault("--set", "`" + key + "` is given twice; remove one of them");
      continue;
    }
    set(key, std::string_view{setting}.substr(equals + 1), "--set");
  }
}

void loader::check(const rule& what) {
  std::string place;
  for (const std::string_view key : what.keys) {
    const std::size_t at = index_of(key);
    FREEHOLD_ASSERT(at < options().size(), "a rule names an unknown option");
    if (faulty_[at])
      return;
    if (place.empty() && loaded_.origins[at] != "default")
      place = loaded_.origins[at];
  }
  const std::string complaint = what.complaint(loaded_.values);
  if (complaint.empty())
    return;
  if (what.is_fatal)
    fault(place.empty() ? "default" : place, complaint);
  else
    loaded_.warnings.push_back(complaint);
}

result<loaded_configuration> loader::finish() && {
  for (const rule& each : rules)
    check(each);
  if (fault_count_ > 0)
    return error{errc::invalid_argument,
                 "the configuration has " + std::to_string(fault_count_)
                     + (fault_count_ == 1 ? " fault:" : " faults:") + faults_};
  if (loaded_.values.topics_prefix.empty())
    loaded_.values.topics_prefix = loaded_.values.application_name;
  return std::move(loaded_);
}

result<std::string> read_file(const std::string& path) {
  errno = 0;
  std::ifstream stream{path, std::ios::binary};
  if (!stream)
    return error{errc::not_found, path + ": cannot be opened: "
                                      + std::generic_category().message(errno)
                                      + "; check the path given to --config"};
  std::string text(file_bytes_max + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad())
    return error{errc::unavailable, path + ": cannot be read; is it a file?"};
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > file_bytes_max)
    return error{errc::invalid_argument,
                 path + ": is larger than 1 MiB; is it the right file?"};
  return text;
}

} // namespace

result<loaded_configuration>
load_configuration(const configuration_sources& sources) {
  loader all;
  if (!sources.file.empty()) {
    const auto text = read_file(sources.file);
    if (!text)
      return text.error();
    all.read_yaml(sources.file, *text);
  }
  all.read_environment(sources.environment);
  all.read_settings(sources.settings);
  return std::move(all).finish();
}

std::vector<std::string> process_environment() {
  std::vector<std::string> entries;
  for (char** at = ::environ; at != nullptr && *at != nullptr; ++at)
    entries.emplace_back(*at);
  return entries;
}

} // namespace freehold::node
