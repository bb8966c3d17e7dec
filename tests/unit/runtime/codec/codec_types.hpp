#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/random.hpp"
#include "runtime/codec/codec.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Described types that the cases of this folder share.
namespace codec_types {

enum class status { available, reserved, sold };
BOOST_DESCRIBE_ENUM(status, available, reserved, sold)

/// An author's own value type: cents.
struct money {
  std::int64_t cents = 0;
  friend bool operator==(const money&, const money&) = default;
};

/// An author's own value type that refuses some inputs.
struct postcode {
  std::string digits;
  friend bool operator==(const postcode&, const postcode&) = default;
};

struct point {
  double lat = 0;
  double long_ = 0;
  friend bool operator==(const point&, const point&) = default;
};
BOOST_DESCRIBE_STRUCT(point, (), (lat, long_))

struct list_property {
  static constexpr std::string_view type = "ListProperty";
  std::uint32_t price = 0;
  std::string description;
  std::optional<std::string> reserved_for;
  friend bool operator==(const list_property&, const list_property&) = default;
};
BOOST_DESCRIBE_STRUCT(list_property, (), (price, description, reserved_for))

/// One field of each kind.
struct everything {
  static constexpr std::string_view type = "Everything";
  static constexpr std::uint32_t version = 3;

  bool flag = false;
  std::int8_t tiny = 0;
  std::uint16_t small = 0;
  std::int64_t signed_whole = 0;
  std::uint64_t unsigned_whole = 0;
  double ratio = 0;
  std::string note;
  status listing = status::available;
  std::optional<std::int32_t> maybe;
  std::vector<point> corners;
  std::vector<bool> bits;
  std::map<std::string, std::int64_t> by_name;
  std::map<std::int32_t, std::optional<point>> by_number;
  std::array<std::uint8_t, 4> hash{};
  freehold::record_offset offset;
  money price;
  postcode zip{"0000"};
  point where;
  friend bool operator==(const everything&, const everything&) = default;
};
BOOST_DESCRIBE_STRUCT(everything, (),
                      (flag, tiny, small, signed_whole, unsigned_whole, ratio,
                       note, listing, maybe, corners, bits, by_name, by_number,
                       hash, offset, price, zip, where))

/// A type that contains itself.
struct tree {
  static constexpr std::string_view type = "Tree";
  std::int32_t value = 0;
  std::vector<tree> children;
  friend bool operator==(const tree&, const tree&) = default;
};
BOOST_DESCRIBE_STRUCT(tree, (), (value, children))

} // namespace codec_types

template <>
struct freehold::codec::value_codec<codec_types::money> {
  using primitive = std::int64_t;
  static primitive to_primitive(codec_types::money x) { return x.cents; }
  static codec_types::money from_primitive(primitive x) { return {x}; }
};

template <>
struct freehold::codec::value_codec<codec_types::postcode> {
  using primitive = std::string_view;
  static primitive to_primitive(const codec_types::postcode& x) {
    return x.digits;
  }
  static freehold::result<codec_types::postcode> from_primitive(primitive x) {
    if (x.size() != 4)
      return freehold::error{freehold::errc::undecodable,
                             "a postcode has four digits"};
    return codec_types::postcode{std::string{x}};
  }
};

namespace codec_types {

/// Random content of up to `length_max` elements per container. Strings are
/// UTF-8 with characters that need escapes.
inline everything random_everything(freehold::random_source& random,
                                    std::uint64_t length_max) {
  const auto text = [&] {
    static constexpr std::array<std::string_view, 8> pieces{
        "a", "\"", "\\", "\n", "\x01", "ä", "€", "\xF0\x9F\x8F\xA0"};
    std::string out;
    for (std::uint64_t i = random.below(length_max); i > 0; --i)
      out += pieces[random.below(pieces.size())];
    return out;
  };
  // All widths of integers have the same chance.
  const auto whole = [&] { return random.next() >> random.below(64); };
  const auto real = [&] {
    double out = 0;
    do {
      const std::uint64_t bits = random.next();
      std::memcpy(&out, &bits, sizeof out);
    } while (out != out || out - out != 0);
    return out;
  };
  everything x;
  x.flag = random.below(2) == 1;
  x.tiny = static_cast<std::int8_t>(random.next());
  x.small = static_cast<std::uint16_t>(whole());
  x.signed_whole = static_cast<std::int64_t>(whole());
  if (random.below(2) == 1)
    x.signed_whole = -x.signed_whole;
  x.unsigned_whole = whole();
  x.ratio =
      random.below(3) == 0 ? static_cast<double>(random.below(10)) : real();
  x.note = text();
  x.listing = static_cast<status>(random.below(3));
  if (random.below(2) == 1)
    x.maybe = static_cast<std::int32_t>(random.next());
  for (std::uint64_t i = random.below(length_max); i > 0; --i)
    x.corners.push_back({real(), -0.0});
  for (std::uint64_t i = random.below(length_max); i > 0; --i)
    x.bits.push_back(random.below(2) == 1);
  for (std::uint64_t i = random.below(length_max); i > 0; --i)
    x.by_name[text()] = static_cast<std::int64_t>(random.next());
  for (std::uint64_t i = random.below(length_max); i > 0; --i) {
    auto& slot = x.by_number[static_cast<std::int32_t>(random.next())];
    if (random.below(2) == 1)
      slot = point{real(), 2};
  }
  for (auto& each : x.hash)
    each = static_cast<std::uint8_t>(random.next());
  x.offset = freehold::record_offset{static_cast<std::int64_t>(whole())};
  x.price.cents = static_cast<std::int64_t>(whole());
  x.where = {real(), real()};
  return x;
}

} // namespace codec_types
