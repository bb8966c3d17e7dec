// Two members have one external name.

#include "runtime/codec/codec.hpp"

using namespace freehold;

struct offer {
  static constexpr std::string_view type = "Offer";
  int price = 0;
#ifdef MISTAKE
  int price_ = 0;
  BOOST_DESCRIBE_CLASS(offer, (), (price, price_), (), ())
#else
  BOOST_DESCRIBE_CLASS(offer, (), (price), (), ())
#endif
};

void use(std::string& out) { codec::to_json(out, offer{}); }
