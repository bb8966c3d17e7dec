#include "node/sale_records.hpp"

#include "actors/messages/followed_messages.hpp"
#include "actors/messages/property_messages.hpp"
#include "runtime/base/hash.hpp"
#include "runtime/codec/codec.hpp"

#include <cstdint>
#include <limits>
#include <optional>

namespace freehold::node {

namespace {

/// What `metadata.source` and `ce_source` of the events will say.
constexpr std::string_view import_source = "import";

void append_part(std::string& out, std::string_view part) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char each : part) {
    if (each != '/' && each != '#' && each != '%') {
      out.push_back(each);
      continue;
    }
    const auto byte = static_cast<unsigned char>(each);
    out.push_back('%');
    out.push_back(digits[byte >> 4U]);
    out.push_back(digits[byte & 15U]);
  }
}

std::string id_of(std::string_view kind, std::string_view identity,
                  std::uint32_t occurrence) {
  std::string id{kind};
  id.append(identity);
  if (occurrence > 1)
    id.append("#").append(std::to_string(occurrence));
  return id;
}

/// `273000` as `2730`, `273050` as `2730.50`.
std::string hundredths_text(std::int64_t value) {
  std::string text = std::to_string(value / 100);
  if (const auto rest = value % 100; rest != 0)
    text.append(rest < 10 ? ".0" : ".").append(std::to_string(rest));
  return text;
}

/// Whole square feet, rounded; none for less than half of one.
std::optional<std::uint32_t> area_of(const sale_row& row) {
  if (!row.area_hundredths)
    return std::nullopt;
  const std::int64_t whole = (*row.area_hundredths + 50) / 100;
  if (whole <= 0 || whole > std::numeric_limits<std::uint32_t>::max())
    return std::nullopt;
  return static_cast<std::uint32_t>(whole);
}

std::string description_of(const sale_row& row) {
  std::string text;
  if (row.area_hundredths)
    text = "living area " + hundredths_text(*row.area_hundredths);
  if (row.year)
    text.append(text.empty() ? "" : ", ")
        .append("built ")
        .append(std::to_string(*row.year));
  return text;
}

} // namespace

std::string sale_identity(const sale_row& row) {
  std::string text;
  if (const auto time = market::utc_time::of(row.time))
    text = time->to_string();
  else
    text = std::to_string(row.time.value());
  append_part(text.append("/"), row.property);
  append_part(text.append("/"), row.neighborhood);
  return text.append("/").append(std::to_string(row.price_cents));
}

std::string listing_id(std::string_view identity, std::uint32_t occurrence) {
  return id_of("listing/", identity, occurrence);
}

std::string sale_id(std::string_view identity, std::uint32_t occurrence) {
  return id_of("sale/", identity, occurrence);
}

result<void> sale_batch::add(const sale_row& row, std::string_view identity,
                             std::uint32_t occurrence) {
  const auto price = market::money::of_cents(row.price_cents);
  if (!price)
    return price.error();
  const auto time = market::utc_time::of(row.time);
  if (!time)
    return time.error();
  const std::string source{import_source};
  std::string value;
  ++sale_count_;
  if (form_ == sale_form::events) {
    // What is told of a property and what it makes of it look the same.
    codec::to_json(value, market::property_followed{
                              sale_id(identity, occurrence),
                              *time,
                              row.property,
                              {*price, "sold", description_of(row)},
                              {"", source, row.neighborhood, area_of(row)}});
    add_event(row.time, row.property, value);
    return {};
  }
  codec::to_json(value, market::list_property{*price, row.neighborhood,
                                              description_of(row), "", source,
                                              area_of(row)});
  add_command(row.time, row.property, market::list_property::type,
              listing_id(identity, occurrence), value);
  value.clear();
  codec::to_json(value, market::record_sale{*price, *time, "", source});
  add_command(row.time, row.property, market::record_sale::type,
              sale_id(identity, occurrence), value);
  return {};
}

void sale_batch::add_command(timestamp time, std::string_view key,
                             std::string_view type, std::string_view id,
                             std::string_view value) {
  bytes_.append(key);
  const std::size_t before = bytes_.size();
  append_header(bytes_, "ce_specversion", "1.0");
  append_header(bytes_, "ce_id", id);
  append_header(bytes_, "ce_type", type);
  append_header(bytes_, "ce_source", import_source);
  append_header(bytes_, "content-type", "application/json");
  const std::size_t headers = bytes_.size() - before;
  bytes_.append(value);
  parts_.push_back({time, key.size(), headers, value.size()});
}

void sale_batch::add_event(timestamp time, std::string_view key,
                           std::string_view value) {
  bytes_.append(key).append(value);
  parts_.push_back({time, key.size(), 0, value.size()});
}

void sale_batch::seal(topic_index topic, std::uint32_t partition_count) {
  appends.reserve(parts_.size());
  std::string_view rest{bytes_};
  const auto take = [&rest](std::size_t size) {
    const std::string_view taken = rest.substr(0, size);
    rest.remove_prefix(size);
    return taken;
  };
  for (const part& each : parts_) {
    ports::append& made = appends.emplace_back();
    made.time = each.time;
    made.key = take(each.key);
    made.headers = header_list{take(each.headers)};
    made.value = take(each.value);
    made.target = {topic, partition_of(made.key, partition_count)};
  }
}

} // namespace freehold::node
