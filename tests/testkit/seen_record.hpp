#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/record.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace freehold::testkit {

/// A record that a test reads back.
struct seen_record {
  std::int64_t offset = 0;
  std::uint32_t partition = 0;
  std::string key;
  std::string value;
  std::map<std::string, std::string> headers;
};

inline seen_record see(const record& from, partition_index partition) {
  seen_record seen;
  seen.offset = from.offset.value();
  seen.partition = partition.value();
  seen.key = from.key;
  seen.value = from.value;
  for (const header each : from.headers)
    seen.headers.emplace(each.name, each.value);
  return seen;
}

} // namespace freehold::testkit
