#include "bridges/log/batch_format.hpp"

#include "runtime/base/assert.hpp"
#include "runtime/base/hash.hpp"

#include <algorithm>
#include <cstring>

namespace freehold::bridges::log {

namespace {

/// More than any batch of small records needs; a buffer that grew beyond it
/// held a huge record and is given back.
constexpr std::size_t kept_bytes_max = 256U << 10U;

char* put_varint(char* at, std::uint64_t value) noexcept {
  while (value >= 0x80) {
    *at++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *at++ = static_cast<char>(value);
  return at;
}

char* put_bytes(char* at, std::string_view bytes) noexcept {
  if (!bytes.empty())
    std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

std::uint64_t nullable_size(std::string_view bytes) noexcept {
  return bytes.data() == nullptr ? 0 : std::uint64_t{bytes.size()} + 1;
}

std::uint64_t zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1)
         ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unzigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>((value >> 1) ^ (0 - (value & 1)));
}

std::int64_t difference(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a)
                                   - static_cast<std::uint64_t>(b));
}

std::int64_t sum(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a)
                                   + static_cast<std::uint64_t>(b));
}

/// Takes numbers and bytes off the front; stays failed once it failed.
class byte_reader {
public:
  explicit byte_reader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] std::uint64_t varint() noexcept {
    if (at_ != end_ && static_cast<signed char>(*at_) >= 0)
      return static_cast<unsigned char>(*at_++);
    return long_varint();
  }

  [[nodiscard]] std::string_view bytes(std::uint64_t size) noexcept {
    if (size > static_cast<std::uint64_t>(end_ - at_)) {
      failed_ = true;
      return {};
    }
    const std::string_view found{at_, static_cast<std::size_t>(size)};
    at_ += size;
    return found;
  }

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] bool at_end() const noexcept { return at_ == end_; }

private:
  [[nodiscard]] std::uint64_t long_varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80)
        return value;
    }
    failed_ = true;
    return 0;
  }

  const char* at_;
  const char* end_;
  bool failed_ = false;
};

} // namespace

bool read_batch_header(std::string_view bytes, batch_header& into) noexcept {
  if (bytes.size() < batch_header_bytes)
    return false;
  std::memcpy(&into, bytes.data(), batch_header_bytes);
  return true;
}

bool batch_is_sound(std::string_view bytes) noexcept {
  batch_header header;
  return read_batch_header(bytes, header) && header.version == batch_version
         && crc32c(bytes.substr(sizeof header.crc)) == header.crc;
}

void batch_writer::reserve(std::size_t more) {
  if (used_ + more <= capacity_)
    return;
  const std::size_t grown =
      std::max({used_ + more, capacity_ * 2, std::size_t{1} << 12U});
  auto bytes = std::make_unique_for_overwrite<char[]>(grown);
  if (used_ > 0)
    std::memcpy(bytes.get(), bytes_.get(), used_);
  bytes_ = std::move(bytes);
  capacity_ = grown;
}

void batch_writer::begin(next_offset at) {
  FREEHOLD_ASSERT(empty(), "a batch begins once");
  reserve(batch_header_bytes);
  used_ = batch_header_bytes;
  header_.base_offset = at.value();
}

void batch_writer::extend(next_offset end) {
  const std::int64_t delta = end.value() - 1 - header_.base_offset;
  FREEHOLD_ASSERT(!empty() && delta >= header_.last_delta
                      && delta <= 0x7FFFFFFF,
                  "a batch ends behind its records");
  header_.last_delta = static_cast<std::uint32_t>(delta);
}

void batch_writer::add(record_offset at, const ports::append& what) {
  const std::string_view headers = what.headers.packed();
  const std::size_t payload =
      what.key.size() + what.value.size() + headers.size();
  if (empty())
    begin(next_offset{at.value()});
  reserve(payload + record_overhead_bytes_max);
  if (header_.count == 0)
    header_.base_time = what.time.value();
  const std::int64_t delta = at.value() - header_.base_offset;
  const std::int64_t expected =
      header_.count == 0 ? 0 : std::int64_t{header_.last_delta} + 1;
  FREEHOLD_ASSERT(delta >= expected && delta <= 0x7FFFFFFF,
                  "offsets of a batch grow");
  char* out = bytes_.get() + used_;
  out = put_varint(out, static_cast<std::uint64_t>(delta - expected));
  out =
      put_varint(out, zigzag(difference(what.time.value(), header_.base_time)));
  out = put_varint(out, nullable_size(what.key));
  out = put_varint(out, nullable_size(what.value));
  out = put_varint(out, headers.size());
  out = put_bytes(out, what.key);
  out = put_bytes(out, what.value);
  out = put_bytes(out, headers);
  used_ = static_cast<std::size_t>(out - bytes_.get());
  header_.last_delta = static_cast<std::uint32_t>(delta);
  ++header_.count;
}

std::string_view batch_writer::finish(std::uint32_t topic,
                                      std::uint32_t partition,
                                      timestamp append_time) noexcept {
  FREEHOLD_ASSERT(!empty(), "an empty batch is never stored");
  header_.version = batch_version;
  header_.topic = topic;
  header_.partition = partition;
  header_.append_time = append_time.value();
  std::memcpy(bytes_.get(), &header_, batch_header_bytes);
  header_.crc =
      crc32c({bytes_.get() + sizeof header_.crc, used_ - sizeof header_.crc});
  std::memcpy(bytes_.get(), &header_.crc, sizeof header_.crc);
  return {bytes_.get(), used_};
}

void batch_writer::clear() noexcept {
  header_ = {};
  used_ = 0;
  if (capacity_ > kept_bytes_max) {
    bytes_.reset();
    capacity_ = 0;
  }
}

decode_status decode_records(std::string_view bytes, next_offset from,
                             std::uint64_t& bytes_left,
                             std::vector<record>& into) {
  batch_header header;
  if (!read_batch_header(bytes, header))
    return decode_status::malformed;
  byte_reader in{bytes.substr(batch_header_bytes)};
  std::int64_t offset = header.base_offset;
  for (std::uint32_t i = 0; i < header.count; ++i, ++offset) {
    offset = sum(offset, static_cast<std::int64_t>(in.varint()));
    const std::int64_t time = sum(header.base_time, unzigzag(in.varint()));
    const std::uint64_t key_size = in.varint();
    const std::uint64_t value_size = in.varint();
    const std::uint64_t headers_size = in.varint();
    const std::string_view key = in.bytes(key_size - (key_size != 0));
    const std::string_view value = in.bytes(value_size - (value_size != 0));
    const std::string_view headers = in.bytes(headers_size);
    if (in.failed())
      return decode_status::malformed;
    if (offset < from.value())
      continue;
    const std::uint64_t size = key.size() + value.size() + headers.size();
    if (size > bytes_left && !into.empty())
      return decode_status::budget_used;
    bytes_left -= std::min(bytes_left, size);
    into.push_back({record_offset{offset}, timestamp{time},
                    key_size != 0 ? key : std::string_view{},
                    value_size != 0 ? value : std::string_view{},
                    header_list{headers}});
  }
  return in.at_end() ? decode_status::complete : decode_status::malformed;
}

} // namespace freehold::bridges::log
