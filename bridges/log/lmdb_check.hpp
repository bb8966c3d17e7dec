#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace freehold::bridges::log {

/// Where each transaction of the store leaves its own number, 8 bytes at the
/// front of the value.
inline constexpr std::string_view transaction_table = "meta";
inline constexpr std::string_view transaction_key = "transaction";

/// Checks the structure of an LMDB file before it is mapped: LMDB trusts its
/// pages, so that a torn or damaged file would end the process by a signal.
///
/// Every page that can be reached has to lie within the file, be of the right
/// kind and be reached once; flags are exactly those that LMDB 0.9 writes,
/// nodes fill their page, keys are in order, counts are right, free pages are
/// not in use, the two first pages name the transactions that made their
/// states. Of files above 1 GiB the leaf pages are left out, unless the file
/// is shorter than it says. Contents have checksums of their own, and the heads
/// of large values are looked at where they are deleted: LMDB uses them only
/// there (`store_write`). To read them here was a tenth of a restart.
///
/// May run beside a writer: what changes under the check is checked again.
/// Gives the number of the last transaction; 0 where none came through yet.
/// Errors: `corrupt` with the place, `unavailable`.
[[nodiscard]] result<std::uint64_t>
check_lmdb_file(const std::filesystem::path& file);

} // namespace freehold::bridges::log
