// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include "core/random.hpp"
#include "hub/outbound/outbound.hpp"
#include "projection/reactor/reactor.hpp"

namespace sluice::hub {

// What an answer means for the message that was tried, and for the others of its reaction.
enum class Fate : std::uint8_t {
  kDelivered,
  kRetry,   // it waits, with the later ones of its stream
  kPause,   // the receiver is away or overloaded: the whole reaction waits, one of them tries
  kRefuse,  // trying again cannot help: a dead letter
};
struct Verdict {
  Fate fate = Fate::kRetry;
  bool counts = true;  // as an attempt: the receiver had the message, or may have had it
};
// 2xx is delivered. HTTP: 408, 425, 429, 502, 503, 504 pause, other 5xx retry, the rest refuse.
// SMTP: 4yz retries, 5yz refuses. Without a code: pause, and it counts only if it was reached.
Verdict judge(const outbound::Answer& answer, bool is_mail);

// Before try `attempts` + 1: doubles from backoff_first to backoff_last, of which a random half is
// left out, so that many that failed together do not come back together. Never below what the
// receiver asked for, up to kAskedMax.
std::chrono::milliseconds backoff(const projection::DeliverySettings& settings,
                                  std::uint64_t attempts, std::chrono::seconds asked,
                                  core::Random& random);
inline constexpr std::chrono::hours kAskedMax{1};

}  // namespace sluice::hub
