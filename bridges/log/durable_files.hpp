#pragma once

#include "runtime/base/result.hpp"

#include <filesystem>
#include <string_view>

/// Files and directories whose names are there after a loss of power, too.
/// All of them wait for the disk. Errors: `unavailable` with the path.
namespace freehold::bridges::log {

/// Makes a directory and whatever is missing above it.
[[nodiscard]] result<void>
make_durable_directory(const std::filesystem::path& directory);

/// Puts a file in place as a whole or not at all: written beside its place as
/// `.new`, then renamed.
[[nodiscard]] result<void> write_durable_file(const std::filesystem::path& file,
                                              std::string_view content);

} // namespace freehold::bridges::log
