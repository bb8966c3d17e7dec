#include "bridges/kafka/kafka_error.hpp"

#include <string_view>
#include <utility>

namespace freehold::bridges::kafka {

namespace {

errc code_of(rd_kafka_resp_err_t code) noexcept {
  switch (code) {
  case RD_KAFKA_RESP_ERR__FENCED:
  case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
  case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
  case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
  case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
  case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
  case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING:
    return errc::fenced;
  case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
  case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
  case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
  case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
  case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    return errc::not_found;
  case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
  case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    return errc::limit_reached;
  case RD_KAFKA_RESP_ERR__BAD_MSG:
  case RD_KAFKA_RESP_ERR_INVALID_MSG:
    return errc::corrupt;
  case RD_KAFKA_RESP_ERR__INVALID_ARG:
  case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
  case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
  case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
  case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
  case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
  case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
  case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
    return errc::invalid_argument;
  default:
    return errc::unavailable;
  }
}

/// Of what a cluster refuses until somebody configures one of the two anew.
std::string_view remedy_of(rd_kafka_resp_err_t code) noexcept {
  switch (code) {
  case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
    return "; kafka.session-timeout-ms has to lie between the brokers' "
           "group.min.session.timeout.ms and group.max.session.timeout.ms";
  case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    return "; kafka.transaction-timeout-ms has to be at most the brokers' "
           "transaction.max.timeout.ms";
  case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
    return "; something else uses the group of this name, which is the "
           "application's alone: stop it, or choose another application.name";
  case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    return "; the node's user needs READ on the group (application.name)";
  case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    return "; the node's user needs WRITE on the transactional ids that begin "
           "with application.name";
  case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    return "; docs/guides/kafka.md has the rights that the node's user needs";
  default:
    return {};
  }
}

error to_error(rd_kafka_resp_err_t code, std::string doing,
               std::string_view said) {
  return {code_of(code),
          std::move(doing.append(": ").append(said).append(remedy_of(code)))};
}

} // namespace

error to_error(rd_kafka_resp_err_t code, std::string doing) {
  return to_error(code, std::move(doing), rd_kafka_err2str(code));
}

error to_error(const rd_kafka_error_t& what, std::string doing) {
  return to_error(rd_kafka_error_code(&what), std::move(doing),
                  rd_kafka_error_string(&what));
}

error to_error(rd_kafka_event_t& what, std::string doing) {
  return to_error(rd_kafka_event_error(&what), std::move(doing),
                  rd_kafka_event_error_string(&what));
}

} // namespace freehold::bridges::kafka
