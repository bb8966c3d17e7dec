#pragma once

#include "bridges/log/lmdb_store.hpp"
#include "runtime/ports/log_reader.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

/// Keys and small values of the store's tables, as bytes.
namespace freehold::bridges::log::internal {

inline constexpr std::uint64_t store_format = 1;

/// topic, partition, offset; big endian, so that bytes sort like numbers.
using batch_key = std::array<char, 16>;
using partition_key = std::array<char, 8>;
using topic_key = std::array<char, 4>;

[[nodiscard]] batch_key make_batch_key(stored_partition where,
                                       std::int64_t offset) noexcept;
[[nodiscard]] partition_key make_partition_key(stored_partition w) noexcept;
[[nodiscard]] topic_key make_topic_key(std::uint32_t topic) noexcept;

/// Whether the key belongs to a batch of that partition.
[[nodiscard]] bool key_is_of(std::string_view key,
                             stored_partition where) noexcept;
/// The base offset in a batch's key. @pre it has the size of one
[[nodiscard]] std::int64_t offset_in(std::string_view key) noexcept;

/// Appends a CRC-32C of what stands before it; the other takes it off again,
/// or nothing where it is wrong.
void seal(std::string& bytes);
[[nodiscard]] std::optional<std::string_view>
unseal(std::string_view bytes) noexcept;

[[nodiscard]] std::string encode_number(std::uint64_t value);
[[nodiscard]] std::optional<std::uint64_t>
decode_number(std::string_view bytes) noexcept;

[[nodiscard]] std::string encode_bounds(ports::partition_bounds bounds);
[[nodiscard]] std::optional<ports::partition_bounds>
decode_bounds(std::string_view bytes) noexcept;

[[nodiscard]] std::string encode_topic(const ports::topic_spec& spec);
[[nodiscard]] std::optional<ports::topic_spec>
decode_topic(std::string_view bytes);

} // namespace freehold::bridges::log::internal
