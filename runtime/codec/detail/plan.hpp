#pragma once

#include "runtime/codec/detail/decode_packed.hpp"
#include "runtime/codec/detail/schema_of.hpp"
#include "runtime/codec/schema.hpp"

#include <map>

/// How a state of an earlier layout is read: one plan per pair of a stored
/// struct and the C++ type that takes its place.
namespace freehold::codec::detail {

enum class stored_path : std::uint8_t {
  /// Positions are the present ones.
  straight,
  /// Positions are translated by plans.
  planned,
  /// An upcaster works on the tree in between.
  lifted,
};

inline constexpr std::uint32_t no_plan = 0xFFFFFFFF;
inline constexpr std::uint32_t no_target = 0xFFFFFFFF;

struct struct_plan {
  struct step {
    /// Index of the field in the C++ type, or `no_target` to skip.
    std::uint32_t target = no_target;
    /// The plan of the struct inside the field, or `no_plan`.
    std::uint32_t nested = no_plan;
  };
  /// By stored position.
  std::vector<step> steps;
  /// Some fields are not stored and keep their defaults.
  bool partial = false;
};

/// The mode that follows plans.
struct planned {
  const struct_plan* plans = nullptr;
  std::uint32_t index = no_plan;

  template <class T>
  [[nodiscard]] bool read(msgpack_reader& in, T& into,
                          decode_failure& failure) const {
    if (index == no_plan)
      return not_the("a value that was stored as a struct", in, failure);
    const struct_plan& plan = plans[index];
    const msgpack_reader before = in;
    std::size_t count = 0;
    if (!in.array(count) || count != plan.steps.size()) [[unlikely]]
      return not_the("array of " + std::to_string(plan.steps.size()), before,
                     failure);
    if (plan.partial)
      into = T{};
    for (const struct_plan::step& each : plan.steps) {
      if (each.target == no_target) {
        if (!in.skip())
          return not_the("a value", in, failure);
      } else if (!field_readers<planned, T>::table[each.target](
                     in, into, {plans, each.nested}, failure)) {
        return false;
      }
    }
    return true;
  }
};

/// Builds the plans of one `stored_reader`.
class plan_builder {
public:
  /// `root_version` is the present version of the whole type.
  plan_builder(const schema& written, std::uint32_t root_version)
      : written_(written), root_version_(root_version) {}

  stored_path path = stored_path::straight;
  std::vector<struct_plan> plans;
  /// `ok` as long as every required field was found.
  error why;

  template <class T>
  std::uint32_t add(std::int32_t stored_index) {
    const std::pair key{stored_index, static_cast<const void*>(&type_key<T>)};
    if (const auto known = known_.find(key); known != known_.end())
      return known->second;
    const auto index = static_cast<std::uint32_t>(plans.size());
    known_.emplace(key, index);
    plans.emplace_back();
    const schema_struct& stored =
        written_.structs[static_cast<std::size_t>(stored_index)];
    check_version<T>(stored);

    struct_plan made;
    std::uint64_t seen = 0;
    if (stored.fields.size() != description<T>::size)
      path = std::max(path, stored_path::planned);
    for (std::size_t at = 0; at < stored.fields.size(); ++at) {
      const std::size_t target = field_index<T>(stored.fields[at].name, at);
      if (target != at)
        path = std::max(path, stored_path::planned);
      struct_plan::step step;
      if (target < description<T>::size) {
        seen |= std::uint64_t{1} << target;
        step.target = static_cast<std::uint32_t>(target);
        step.nested = nested_of<T>(target, stored.fields[at].nested);
      }
      made.steps.push_back(step);
    }
    for (std::size_t i = 0; i < description<T>::size; ++i)
      made.partial = made.partial || (seen >> i & 1U) == 0;
    decode_failure failure;
    if (!check_seen<T>(seen, failure))
      absent<T>(stored, failure);
    plans[index] = std::move(made);
    return index;
  }

private:
  template <class T>
  std::uint32_t nested_of(std::size_t target, std::int32_t stored_nested) {
    std::uint32_t found = no_plan;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      static_cast<void>(
          ((I == target && (found = nested_at<T, I>(stored_nested), true))
           || ...));
    }
    (typename description<T>::indices{});
    return found;
  }

  template <class T, std::size_t I>
  std::uint32_t nested_at(std::int32_t stored_nested) {
    using leaf = typename leaf_struct<field_type<T, I>>::type;
    if constexpr (std::is_void_v<leaf>) {
      static_cast<void>(stored_nested);
      return no_plan;
    } else {
      if (stored_nested < 0) {
        path = std::max(path, stored_path::planned);
        return no_plan;
      }
      return add<leaf>(stored_nested);
    }
  }

  template <class T>
  void check_version(const schema_struct& stored) {
    constexpr std::uint32_t present = type_version<T>();
    if (stored.version > present)
      fail(newer_version(shown_type_name<T>(), stored.version, present));
    if constexpr (has_upcast<T>)
      if (stored.version < present)
        path = stored_path::lifted;
  }

  template <class T>
  void absent(const schema_struct& stored, decode_failure& failure) {
    constexpr std::uint32_t present = type_version<T>();
    const schema_struct& root = written_.root();
    if (stored.version < present)
      failure.no_upcaster(shown_type_name<T>(), stored.version, present);
    else if (root.version < root_version_)
      failure.no_upcaster(root.type, root.version, root_version_);
    else
      failure.version_not_raised(shown_type_name<T>(), present);
    fail(failure.to_error(shown_type_name<T>()));
  }

  void fail(error found) {
    // A newer version outweighs what is missing because of it.
    if (why.code != errc::mismatch)
      why = std::move(found);
  }

  const schema& written_;
  std::uint32_t root_version_;
  std::map<std::pair<std::int32_t, const void*>, std::uint32_t> known_;
};

} // namespace freehold::codec::detail
