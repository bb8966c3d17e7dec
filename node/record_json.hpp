#pragma once

#include "runtime/base/record.hpp"
#include "runtime/base/result.hpp"
#include "runtime/codec/dynamic_value.hpp"
#include "runtime/codec/schema.hpp"
#include "runtime/ports/log_reader.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

/// Records of any topic in a form for people and scripts.
namespace freehold::node {

/// `bytes` in base64 (RFC 4648, with padding).
[[nodiscard]] std::string base64(std::string_view bytes);

/// Adds text under `name`, or base64 under `name` + `Base64` where it is no
/// UTF-8. A null text becomes null.
void set_text(codec::dynamic_value& into, const std::string& name,
              std::string_view text);

/// Adds a record's value: as JSON under `value` where it is JSON, otherwise as
/// `valueText` or `valueBase64`.
void set_value(codec::dynamic_value& into, std::string_view bytes);

/// Headers as an object; the values of a repeated name become an array.
[[nodiscard]] codec::dynamic_value headers_json(const header_list& headers);

/// Shows the records of one partition. Messages between entities and the
/// changelog, which have forms of their own, are decoded; a state is shown
/// with the schema it was stored under.
class record_renderer {
public:
  /// For a changelog it reads the schemas of the partition first. Errors:
  /// those of the reader.
  static result<record_renderer> make(ports::log_reader& from,
                                      const ports::topic_description& topic,
                                      topic_partition source);

  /// One object: partition, offset, key, timestamp, headers, value.
  [[nodiscard]] codec::dynamic_value json(const record& of) const;
  /// One line: partition/offset, time, key, message type, value.
  [[nodiscard]] std::string line(const record& of) const;

private:
  record_renderer(ports::topic_role role, topic_partition source)
      : role_(role), source_(source) {}
  result<void> read_schemas(ports::log_reader& from,
                            ports::partition_bounds bounds);
  void note_schemas(std::string_view pack);
  void render_value(const record& of, codec::dynamic_value& into) const;
  [[nodiscard]] codec::dynamic_value pack_json(std::string_view pack) const;

  struct known_schema {
    std::string entity;
    codec::schema schema;
  };

  ports::topic_role role_;
  topic_partition source_;
  std::map<std::uint32_t, known_schema> schemas_;
};

} // namespace freehold::node
