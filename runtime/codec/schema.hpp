#pragma once

#include "runtime/base/result.hpp"
#include "runtime/codec/describe.hpp"
#include "runtime/codec/dynamic_value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace freehold::codec {

/// One field of a stored struct.
struct schema_field {
  /// In camelCase, as in every external form.
  std::string name;
  /// What lies around the nested struct, from the outside: `[` a vector, `{` a
  /// map. Empty for values that contain no struct. Optionals leave no trace.
  std::string wrap;
  /// Index in `schema::structs` of the struct this field contains, or -1.
  std::int32_t nested = -1;

  friend bool operator==(const schema_field&, const schema_field&) = default;
};

/// A struct as it was when a state was stored.
struct schema_struct {
  std::string type;
  std::uint32_t version = 1;
  std::vector<schema_field> fields;

  friend bool operator==(const schema_struct&, const schema_struct&) = default;
};

/// What gives the positions of a stored state their names. Kept once per
/// version beside the states, in the form of `encode_schema`.
struct schema {
  /// The state itself is the first; nested structs follow. Never empty.
  std::vector<schema_struct> structs;

  [[nodiscard]] const schema_struct& root() const { return structs.front(); }
  friend bool operator==(const schema&, const schema&) = default;
};

/// The present schema of a type. Built once; the reference stays valid.
template <described T>
[[nodiscard]] const schema& schema_of();

/// Layout: `docs/formats/stored-state.md`. Equal schemas give equal bytes.
[[nodiscard]] std::string encode_schema(const schema& what);

/// Errors: `undecodable`.
[[nodiscard]] result<schema> decode_schema(std::string_view bytes);

/// Whether the schema holds together: a root, existing nested structs, unique
/// field names. Errors: `undecodable`. `decode_schema` has checked it.
[[nodiscard]] result<void> check_schema(const schema& what);

/// A stored state without its C++ type, for tools. Objects carry the version
/// of their struct. Errors: `undecodable`.
[[nodiscard]] result<dynamic_value> stored_to_dynamic(std::string_view bytes,
                                                      const schema& written);

} // namespace freehold::codec

#include "runtime/codec/detail/schema_of.hpp"
