// An optional inside an optional.

#include "runtime/codec/codec.hpp"

using namespace freehold;

struct offer {
  static constexpr std::string_view type = "Offer";
#ifdef MISTAKE
  std::optional<std::optional<int>> price;
#else
  std::optional<int> price;
#endif
};
BOOST_DESCRIBE_STRUCT(offer, (), (price))

void use(std::string& out) { codec::to_json(out, offer{}); }
