#pragma once

#include "node/configuration.hpp"

#include <string>
#include <string_view>

/// How one option's value is read from text and written as text.
namespace freehold::node::internal {

/// Whether the option is a `property_map`.
[[nodiscard]] bool is_open(const option& which) noexcept;
/// `kafka.client.` of `kafka.client.*`.
[[nodiscard]] std::string_view entry_prefix(const option& which) noexcept;

/// Reads `text` into the option's member, or into its entry that `key` names.
/// Returns what is wrong with it and what is expected instead, or nothing; then
/// the member has the value.
[[nodiscard]] std::string assign(const option& which, std::string_view key,
                                 std::string_view text, configuration& values);

/// The value in the form that `assign` reads; of a `property_map` nothing.
[[nodiscard]] std::string value_text(const option& which,
                                     const configuration& values);

/// The type in words: `whole number`, `true or false`, `embedded or memory`.
[[nodiscard]] std::string type_text(const option& which);

/// The range in words, with the unit: `1 to 60000 ms`. Empty without one.
[[nodiscard]] std::string range_text(const option& which);

} // namespace freehold::node::internal
