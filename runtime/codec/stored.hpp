#pragma once

#include "runtime/codec/detail/plan.hpp"
#include "runtime/codec/schema.hpp"

#include <string>
#include <string_view>

namespace freehold::codec {

/// Appends the value in the stored form: a MessagePack array of the fields in
/// the order of `schema_of<T>()`. Allocates only where `out` has to grow.
/// Throws `encode_failure`.
template <described T>
void to_stored(std::string& out, const T& value);

/// Reads states that were stored with one schema. Built once per schema; the
/// fields are resolved by name at that time: removed fields are skipped, added
/// ones keep their defaults, reordered and nested ones are found. An equal
/// layout takes a path without any lookup. Immutable once built, so threads
/// may share it; copies are cheap relative to building.
template <described T>
class stored_reader {
public:
  /// Errors:
  ///
  /// * `mismatch`: another type, a newer version than this program's, or a
  ///   required field that is absent though the versions are equal;
  /// * `missing_upcaster`: an older version lacks a required field and the
  ///   type has no `upcast`.
  [[nodiscard]] static result<stored_reader> create(schema written);

  /// Reads one state. Every field of `into` is overwritten; after an error its
  /// content is unspecified but valid. Errors: `undecodable`, and in values
  /// that went through an upcaster also `missing_upcaster` and `mismatch`.
  [[nodiscard]] result<void> read(std::string_view bytes, T& into) const;

  /// Whether states lie in the present layout (the fast path).
  [[nodiscard]] bool straight() const noexcept {
    return path_ == detail::stored_path::straight;
  }
  [[nodiscard]] const schema& written() const noexcept { return written_; }

private:
  stored_reader() = default;

  schema written_;
  detail::stored_path path_ = detail::stored_path::straight;
  std::vector<detail::struct_plan> plans_;
};

} // namespace freehold::codec

#include "runtime/codec/detail/stored_impl.hpp"
