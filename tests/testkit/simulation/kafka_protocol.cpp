#include "tests/testkit/simulation/kafka_protocol.hpp"

namespace freehold::simulation {

std::string_view name_of(kafka_error which) noexcept {
  switch (which) {
  case kafka_error::none:
    return "NONE";
  case kafka_error::invalid_producer_epoch:
    return "INVALID_PRODUCER_EPOCH";
  case kafka_error::concurrent_transactions:
    return "CONCURRENT_TRANSACTIONS";
  case kafka_error::invalid_txn_state:
    return "INVALID_TXN_STATE";
  case kafka_error::out_of_order_sequence_number:
    return "OUT_OF_ORDER_SEQUENCE_NUMBER";
  case kafka_error::fenced_instance_id:
    return "FENCED_INSTANCE_ID";
  case kafka_error::unknown_member_id:
    return "UNKNOWN_MEMBER_ID";
  case kafka_error::illegal_generation:
    return "ILLEGAL_GENERATION";
  case kafka_error::rebalance_in_progress:
    return "REBALANCE_IN_PROGRESS";
  }
  return "?";
}

} // namespace freehold::simulation
