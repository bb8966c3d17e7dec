#include "node/sale_import.hpp"

#include "actors/messages/property_messages.hpp"
#include "runtime/base/assert.hpp"
#include "runtime/codec/dynamic_value.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace freehold::node {

namespace {

constexpr std::uint64_t batch_rows_max = 1'000;
/// Lines looked at in one `pump`, so that known rows do not keep its caller.
constexpr std::uint64_t lines_per_pump_max = 20'000;
constexpr std::uint32_t scan_bytes = 1U << 20U;

/// The record's event id, as an import has written it.
std::optional<std::string> id_of(const record& from, sale_form form) {
  if (const auto said = from.headers.find("ce_id"))
    return std::string{*said};
  if (form == sale_form::commands)
    return std::nullopt;
  const auto body = codec::parse_json(from.value);
  const auto* const id = body ? body->find("eventId") : nullptr;
  const auto* const text = id == nullptr ? nullptr : id->as_string();
  return text == nullptr ? std::nullopt : std::optional{*text};
}

} // namespace

sale_import::sale_import(csv_sales sales, surroundings around)
    : sales_(std::move(sales)),
      around_(std::move(around)),
      window_(around_.wake) {}

sale_import::~sale_import() = default;

result<std::unique_ptr<sale_import>>
sale_import::open(const import_request& what, surroundings around) {
  auto sales = csv_sales::open(what.file, what.mapping);
  if (!sales)
    return sales.error();
  FREEHOLD_ASSERT(around.plan.sources.size() == 1, "the market has one source");
  const auto& source = around.plan.sources.front();
  const bool decides =
      around.plan.types[source.type]->takes(market::record_sale::type);
  std::unique_ptr<sale_import> made{
      new sale_import{*std::move(sales), std::move(around)}};
  made->topic_ = source.topic;
  made->form_ = decides ? sale_form::commands : sale_form::events;
  if (auto scanned = made->scan(); !scanned)
    return scanned.error();
  return made;
}

// -- what is there already ---------------------------------------------------

result<void> sale_import::scan() {
  const auto topics = around_.reader.topics();
  if (!topics)
    return topics.error();
  for (std::uint32_t t = 0; t < topics->size(); ++t) {
    if ((*topics)[t].spec.name != around_.plan.topic_name(topic_))
      continue;
    const auto& partitions = (*topics)[t].partitions;
    for (std::uint32_t p = 0; p < partitions.size(); ++p)
      if (auto done = scan({topic_index{t}, partition_index{p}}, partitions[p]);
          !done)
        return done;
  }
  return {};
}

result<void> sale_import::scan(topic_partition source,
                               ports::partition_bounds bounds) {
  for (next_offset at = bounds.begin; at < bounds.end;) {
    const auto batch = around_.reader.read(source, at, scan_bytes);
    if (!batch)
      return batch.error();
    for (const record& each : (*batch)->records)
      if (const auto id = id_of(each, form_))
        present_.insert(engine::fingerprint_of("", each.key, *id));
    if ((*batch)->next <= at)
      break;
    at = (*batch)->next;
  }
  return {};
}

// -- appending ---------------------------------------------------------------

sale_import::state sale_import::pump(std::uint64_t rows_max,
                                     std::uint64_t& taken) {
  taken = 0;
  if (window_.failure())
    return state::finished;
  if (at_end_)
    return window_.is_empty() ? state::finished : state::waiting;
  if (window_.is_full() || rows_max == 0)
    return state::waiting;
  rows_max = std::min(rows_max, batch_rows_max);
  auto batch = std::make_shared<sale_batch>(form_);
  for (std::uint64_t lines = 0;
       lines < lines_per_pump_max && batch->sale_count() < rows_max; ++lines) {
    auto row = sales_.next();
    if (!row) {
      at_end_ = true;
      break;
    }
    if (const auto* bad = std::get_if<bad_line>(&*row)) {
      ++counts_.bad_lines;
      around_.report(*bad);
      continue;
    }
    take(std::get<sale_row>(*row), *batch);
  }
  taken = batch->sale_count();
  if (taken > 0)
    send(std::move(batch));
  return state::busy;
}

void sale_import::take(const sale_row& row, sale_batch& into) {
  const std::string identity = sale_identity(row);
  const std::uint32_t occurrence =
      ++occurrences_[engine::fingerprint_of("", row.property, identity)];
  if (present_.contains(engine::fingerprint_of(
          "", row.property, sale_id(identity, occurrence)))) {
    ++counts_.rows;
    ++counts_.already_there;
    return;
  }
  if (const auto added = into.add(row, identity, occurrence); !added) {
    ++counts_.bad_lines;
    around_.report({row.line, "", added.error().context});
    return;
  }
  ++counts_.rows;
}

void sale_import::send(std::shared_ptr<sale_batch> batch) {
  batch->seal(topic_, around_.plan.options.shard_count);
  const std::uint64_t sales = batch->sale_count();
  window_.send(around_.log, std::move(batch), sales);
}

sale_import::counts sale_import::count() const {
  counts now = counts_;
  now.appended = window_.appended();
  return now;
}

std::optional<error> sale_import::failure() const {
  auto failed = window_.failure();
  if (failed)
    failed->context += "; the import stopped. Run it again: it goes on with "
                       "the first sale that is not there";
  return failed;
}

} // namespace freehold::node
