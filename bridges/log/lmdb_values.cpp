#include "bridges/log/lmdb_values.hpp"

#include "runtime/base/hash.hpp"

namespace freehold::bridges::log::internal {

namespace {

template <class Number>
void put_big(char* at, Number value) noexcept {
  for (std::size_t i = 0; i < sizeof value; ++i)
    at[i] = static_cast<char>(value >> (8 * (sizeof value - 1 - i)));
}

template <class Number>
void append_number(std::string& bytes, Number value) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  bytes.append(raw, sizeof value);
}

template <class Number>
Number number_at(std::string_view bytes, std::size_t at) noexcept {
  Number value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

} // namespace

batch_key make_batch_key(stored_partition where, std::int64_t offset) noexcept {
  batch_key key;
  put_big(key.data(), where.topic);
  put_big(key.data() + 4, where.partition);
  put_big(key.data() + 8, static_cast<std::uint64_t>(offset));
  return key;
}

partition_key make_partition_key(stored_partition where) noexcept {
  partition_key key;
  put_big(key.data(), where.topic);
  put_big(key.data() + 4, where.partition);
  return key;
}

topic_key make_topic_key(std::uint32_t topic) noexcept {
  topic_key key;
  put_big(key.data(), topic);
  return key;
}

bool key_is_of(std::string_view key, stored_partition where) noexcept {
  const partition_key wanted = make_partition_key(where);
  return key.size() == sizeof(batch_key)
         && key.substr(0, wanted.size())
                == std::string_view{wanted.data(), wanted.size()};
}

std::int64_t offset_in(std::string_view key) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i < 16; ++i)
    value = value << 8 | static_cast<unsigned char>(key[i]);
  return static_cast<std::int64_t>(value);
}

void seal(std::string& bytes) { append_number(bytes, crc32c(bytes)); }

std::optional<std::string_view> unseal(std::string_view bytes) noexcept {
  if (bytes.size() < 4)
    return std::nullopt;
  const std::string_view content = bytes.substr(0, bytes.size() - 4);
  if (number_at<std::uint32_t>(bytes, content.size()) != crc32c(content))
    return std::nullopt;
  return content;
}

std::string encode_number(std::uint64_t value) {
  std::string bytes;
  append_number(bytes, value);
  seal(bytes);
  return bytes;
}

std::optional<std::uint64_t> decode_number(std::string_view bytes) noexcept {
  const auto content = unseal(bytes);
  if (!content || content->size() != 8)
    return std::nullopt;
  return number_at<std::uint64_t>(*content, 0);
}

std::string encode_bounds(ports::partition_bounds bounds) {
  std::string bytes;
  append_number(bytes, bounds.begin.value());
  append_number(bytes, bounds.end.value());
  seal(bytes);
  return bytes;
}

std::optional<ports::partition_bounds>
decode_bounds(std::string_view bytes) noexcept {
  const auto content = unseal(bytes);
  if (!content || content->size() != 16)
    return std::nullopt;
  return ports::partition_bounds{
      next_offset{number_at<std::int64_t>(*content, 0)},
      next_offset{number_at<std::int64_t>(*content, 8)}};
}

std::string encode_topic(const ports::topic_spec& spec) {
  std::string bytes;
  append_number(bytes, spec.partition_count);
  append_number(bytes, static_cast<std::uint32_t>(spec.role));
  append_number(bytes, std::int64_t{spec.retention.count()});
  bytes.append(spec.name);
  seal(bytes);
  return bytes;
}

std::optional<ports::topic_spec> decode_topic(std::string_view bytes) {
  const auto content = unseal(bytes);
  if (!content || content->size() < 16)
    return std::nullopt;
  const auto role = number_at<std::uint32_t>(*content, 4);
  if (role > static_cast<std::uint32_t>(ports::topic_role::output))
    return std::nullopt;
  ports::topic_spec spec;
  spec.partition_count = number_at<std::uint32_t>(*content, 0);
  spec.role = static_cast<ports::topic_role>(role);
  spec.retention =
      std::chrono::milliseconds{number_at<std::int64_t>(*content, 8)};
  spec.name = content->substr(16);
  return spec;
}

} // namespace freehold::bridges::log::internal
