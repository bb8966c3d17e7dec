#pragma once

#include "node/csv_sales.hpp"
#include "node/produce_window.hpp"
#include "node/sale_records.hpp"
#include "runtime/base/result.hpp"
#include "runtime/engine/application_plan.hpp"
#include "runtime/engine/dedupe_table.hpp"
#include "runtime/ports/event_log.hpp"
#include "runtime/ports/log_reader.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace freehold::node {

struct import_request {
  std::string file;
  std::string mapping;
};

/// Feeds the sales of a file into the application's source, in batches, while
/// it is called: as commands, or as the events that its properties follow.
///
/// What the topic has already is recognised by event ids and not appended
/// again: an import that was cut off goes on where it was, a repetition does
/// nothing. For that it keeps 16 bytes per sale of the topic and of the file.
///
/// Belongs to one thread, which calls `pump`; the log answers on threads of
/// its own.
class sale_import {
public:
  struct counts {
    /// Good lines that were read.
    std::uint64_t rows = 0;
    std::uint64_t already_there = 0;
    std::uint64_t bad_lines = 0;
    /// Rows whose records the log has acknowledged.
    std::uint64_t appended = 0;
  };
  struct surroundings {
    ports::event_log& log;
    ports::log_reader& reader;
    const engine::application_plan& plan;
    /// Told about every bad line, from within `pump`.
    std::function<void(const bad_line&)> report;
    /// Called on any thread when it is worth pumping again.
    std::function<void()> wake;
  };
  enum class state : std::uint8_t {
    /// Pump again at once.
    busy,
    /// Pump again after `wake`, or with more rows allowed.
    waiting,
    /// All of it is in the log, or `failure()` says why not.
    finished,
  };

  /// Reads the header of the file and the ids that the topic has. `log` was
  /// started. Errors: those of `csv_sales::open` and of the reader.
  static result<std::unique_ptr<sale_import>> open(const import_request& what,
                                                   surroundings around);

  sale_import(const sale_import&) = delete;
  sale_import& operator=(const sale_import&) = delete;
  ~sale_import();

  /// Appends at most `rows_max` rows more, and at most one batch. `taken` is
  /// how many rows it handed to the log.
  state pump(std::uint64_t rows_max, std::uint64_t& taken);

  [[nodiscard]] counts count() const;
  [[nodiscard]] std::optional<error> failure() const;

private:
  using fingerprint = engine::changelog::message_fingerprint;
  struct fingerprint_hash {
    std::size_t operator()(const fingerprint& id) const noexcept {
      return id.low;
    }
  };
  sale_import(csv_sales sales, surroundings around);
  result<void> scan();
  result<void> scan(topic_partition source, ports::partition_bounds bounds);
  void take(const sale_row& row, sale_batch& into);
  void send(std::shared_ptr<sale_batch> batch);

  csv_sales sales_;
  surroundings around_;
  topic_index topic_;
  sale_form form_ = sale_form::commands;
  bool at_end_ = false;
  counts counts_;
  /// Sales that the topic had when the import began.
  boost::unordered_flat_set<fingerprint, fingerprint_hash> present_;
  /// How often an identity came in this file.
  boost::unordered_flat_map<fingerprint, std::uint32_t, fingerprint_hash>
      occurrences_;
  produce_window window_;
};

} // namespace freehold::node
