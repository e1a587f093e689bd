// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

// What JetStream answers to a publish, and what to do about each refusal (docs/decisions has why).
namespace sluice::sync {

struct PubAck {
  std::uint64_t hub_seq = 0;
  bool duplicate = false;
};

enum class Refusal {
  kRetry,     // full, busy, leaderless, out of resources: later, the same bytes
  kSetAside,  // this server will never take this message
  kSession,   // wrong hub stream, or nobody there: look again before the next publish
};

struct PubError {
  Refusal refusal = Refusal::kRetry;
  int code = 0;      // as HTTP
  int err_code = 0;  // JetStream's own
  std::string words;
};

struct PubAnswer {
  bool ok = false;
  PubAck ack;
  PubError error;
};

// `status` is the reply's inline status (503: no responders), `payload` its JSON. Never fails: what
// cannot be understood is a refusal to be retried.
PubAnswer parse_pub_answer(int status, std::string_view payload);

}  // namespace sluice::sync
