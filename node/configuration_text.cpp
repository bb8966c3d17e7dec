#include "node/configuration.hpp"
#include "node/configuration_values.hpp"

#include <algorithm>

namespace freehold::node {

namespace {

std::string_view group_of(std::string_view key) {
  return key.substr(0, key.find('.'));
}

std::string_view name_of(std::string_view key) {
  return key.substr(key.find('.') + 1);
}

bool is_plain(std::string_view text) {
  return !text.empty() && text.front() != '-'
         && std::ranges::all_of(text, [](char x) {
              return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z')
                     || (x >= '0' && x <= '9') || x == '.' || x == '_'
                     || x == '/' || x == '-' || x == ' ';
            });
}

/// A YAML scalar: as it is where that is safe, else in double quotes.
std::string scalar(std::string_view text) {
  if (is_plain(text) && text.front() != ' ' && text.back() != ' '
      && text != "null")
    return std::string{text};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    if (byte < 0x20 || byte == 0x7F)
      quoted.append("\\x").append({digits[byte >> 4U], digits[byte & 15U]});
    else if (each == '"' || each == '\\')
      quoted.append("\\").append(1, each);
    else
      quoted.append(1, each);
  }
  return quoted.append("\"");
}

/// What belongs into no log and no terminal.
bool is_secret(std::string_view name) {
  return name.ends_with("password") || name.ends_with(".secret")
         || name.ends_with("key.pem") || name == "sasl.oauthbearer.config";
}

void dump_entries(const option& which, const loaded_configuration& loaded,
                  std::string& text) {
  const auto prefix = internal::entry_prefix(which);
  const auto member = std::get<property_map configuration::*>(which.member);
  for (const auto& [name, value] : loaded.values.*member) {
    const std::string key = std::string{prefix}.append(name);
    text.append(is_secret(name) ? "  # " : "  ").append(name_of(key));
    text.append(": ").append(is_secret(name) ? "(not shown)" : scalar(value));
    text.append(" # ").append(loaded.entry_origins.at(key)).append("\n");
  }
}

} // namespace

std::string dump(const loaded_configuration& loaded) {
  std::string text = "# The configuration in effect. Behind each value: where "
                     "it came from.\n";
  std::string_view group;
  for (std::size_t i = 0; i < options().size(); ++i) {
    const option& each = options()[i];
    if (group_of(each.key) != group) {
      group = group_of(each.key);
      text.append(group).append(":\n");
    }
    if (internal::is_open(each)) {
      dump_entries(each, loaded, text);
      continue;
    }
    text.append("  ").append(name_of(each.key)).append(": ");
    text.append(scalar(internal::value_text(each, loaded.values)));
    text.append(" # ").append(loaded.origins.at(i)).append("\n");
  }
  return text;
}

std::string markdown() {
  std::string text = R"(# Configuration

<!-- Written by `configuration_doc` from the table in
     node/configuration_options.cpp. Change that table, not this page. -->

Values come in four layers, each over the one before it:

1. the defaults below;
2. a YAML file, with the options in their groups;
3. environment variables: `engine.commit-interval-ms` is
   `FREEHOLD_ENGINE_COMMIT_INTERVAL_MS`;
4. the command line: `--set engine.commit-interval-ms=50`.

An unknown key, a value of a wrong type or out of range, a key given twice and
values that contradict each other stop the start. All faults are reported
together, each with its place and what to do.

Sizes are written in bytes or with `KiB`, `MiB`, `GiB`, `TiB`. A change of any
option takes effect at the next start unless its text says otherwise.
)";
  const configuration defaults;
  std::string_view group;
  for (const option& each : options()) {
    if (group_of(each.key) != group) {
      group = group_of(each.key);
      text.append("\n## ").append(group).append("\n");
    }
    text.append("\n### `").append(each.key).append("`\n\n");
    text.append(each.sentence);
    if (!each.restart)
      text.append(" A change takes effect without a restart.");
    text.append("\n\n- Type: ").append(internal::type_text(each));
    if (const std::string range = internal::range_text(each); !range.empty())
      text.append("\n- Range: ").append(range);
    text.append("\n- Default: ");
    if (each.default_note.empty())
      text.append("`").append(internal::value_text(each, defaults)).append("`");
    else
      text.append(each.default_note);
    text.append("\n- Example: `").append(each.example).append("`\n");
  }
  return text;
}

} // namespace freehold::node
