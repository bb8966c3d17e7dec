#pragma once

#include "runtime/base/result.hpp"

#include <filesystem>
#include <string_view>

namespace freehold::node {

/// Puts a file in place as a whole or not at all: written beside its place,
/// then renamed. An existing file is replaced and keeps its permissions; a
/// link keeps leading to it.
///
/// Errors, naming the file and what to do: `invalid_argument` for what is no
/// regular file, `not_found` without its directory, `unavailable` otherwise.
[[nodiscard]] result<void> write_whole_file(const std::filesystem::path& file,
                                            std::string_view content);

} // namespace freehold::node
