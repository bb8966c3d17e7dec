#pragma once

#include "runtime/entity/entity_type.hpp"

#include <new>
#include <utility>

namespace freehold::engine {

/// One state of an entity type that is known at run time only, in memory of
/// its own. Keeps a reference to the type.
class any_state {
public:
  explicit any_state(const entity_type& type)
      : type_(&type),
        memory_(::operator new(type.state_size(), alignment_of(type))) {
    type.construct(memory_);
  }
  any_state(any_state&& other) noexcept
      : type_(other.type_), memory_(std::exchange(other.memory_, nullptr)) {}
  any_state(const any_state&) = delete;
  any_state& operator=(const any_state&) = delete;
  any_state& operator=(any_state&&) = delete;
  ~any_state() {
    if (memory_ == nullptr)
      return;
    type_->destroy(memory_);
    ::operator delete(memory_, alignment_of(*type_));
  }

  [[nodiscard]] void* get() const noexcept { return memory_; }

private:
  static std::align_val_t alignment_of(const entity_type& type) noexcept {
    return std::align_val_t{type.state_alignment()};
  }

  const entity_type* type_;
  void* memory_;
};

} // namespace freehold::engine
