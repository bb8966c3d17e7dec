#pragma once

#include "runtime/base/ids.hpp"

#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace freehold {

/// One header of a record. Names repeat freely, order is kept.
struct header {
  std::string_view name;
  std::string_view value;
};

/// A record's headers as they lie in memory: one run of bytes, so that a
/// record without headers costs nothing and one with headers no allocation.
///
/// | field        | type      |
/// |--------------|-----------|
/// | name length  | u16, host |
/// | value length | u32, host |
/// | name, value  | bytes     |
///
/// repeated. This form never leaves the process as such.
class header_list {
public:
  class iterator {
  public:
    using value_type = header;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = const header*;
    using reference = header;

    iterator() = default;
    explicit iterator(const char* at) : at_(at) {}
    header operator*() const {
      std::uint16_t name = 0;
      std::uint32_t value = 0;
      std::memcpy(&name, at_, 2);
      std::memcpy(&value, at_ + 2, 4);
      return {{at_ + 6, name}, {at_ + 6 + name, value}};
    }
    iterator& operator++() {
      const header now = **this;
      at_ += 6 + now.name.size() + now.value.size();
      return *this;
    }
    iterator operator++(int) {
      iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(iterator, iterator) = default;

  private:
    const char* at_ = nullptr;
  };

  header_list() = default;
  explicit header_list(std::string_view packed) : packed_(packed) {}

  [[nodiscard]] iterator begin() const { return iterator{packed_.data()}; }
  [[nodiscard]] iterator end() const {
    return iterator{packed_.data() + packed_.size()};
  }
  [[nodiscard]] bool empty() const { return packed_.empty(); }
  [[nodiscard]] std::string_view packed() const { return packed_; }

  /// The last value under that name, as CloudEvents readers take it.
  [[nodiscard]] std::optional<std::string_view>
  find(std::string_view name) const {
    std::optional<std::string_view> found;
    for (const header each : *this)
      if (each.name == name)
        found = each.value;
    return found;
  }

private:
  std::string_view packed_;
};

/// Appends one header in the form of `header_list`.
/// @pre `name` is at most 65,535 bytes long.
inline void append_header(std::string& packed, std::string_view name,
                          std::string_view value) {
  const auto name_size = static_cast<std::uint16_t>(name.size());
  const auto value_size = static_cast<std::uint32_t>(value.size());
  char sizes[6];
  std::memcpy(sizes, &name_size, 2);
  std::memcpy(sizes + 2, &value_size, 4);
  packed.append(sizes, 6).append(name).append(value);
}

/// One record as it was read. All views point into the batch it came with.
/// A null key or a null value (a tombstone) has `data() == nullptr`.
struct record {
  record_offset offset;
  timestamp time;
  std::string_view key;
  std::string_view value;
  header_list headers;
};

} // namespace freehold
