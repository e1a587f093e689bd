// SPDX-License-Identifier: Apache-2.0
#include "hub/reactor/delivery_plan.hpp"

#include <algorithm>

namespace sluice::hub {

using std::chrono::milliseconds;

Verdict judge(const outbound::Answer& answer, bool is_mail) {
  if (answer.code == 0) return {Fate::kPause, answer.reached};
  switch (answer.code / 100) {
    case 2:
      return {Fate::kDelivered};
    case 4:
      if (is_mail) return {Fate::kRetry};
      if (answer.code == 408 || answer.code == 425 || answer.code == 429) return {Fate::kPause};
      return {Fate::kRefuse};
    case 5:
      if (is_mail) return {Fate::kRefuse};
      return {answer.code >= 502 && answer.code <= 504 ? Fate::kPause : Fate::kRetry};
    default:  // a redirection: where messages go is the operator's to say
      return {Fate::kRefuse};
  }
}

milliseconds backoff(const projection::DeliverySettings& settings, std::uint64_t attempts,
                     std::chrono::seconds asked, core::Random& random) {
  milliseconds full = settings.backoff_first;
  for (std::uint64_t done = 1; done < attempts && full < settings.backoff_last; ++done) full *= 2;
  full = std::min(full, settings.backoff_last);
  const milliseconds half = full / 2;
  const milliseconds drawn(random.below(static_cast<std::uint64_t>((full - half).count()) + 1));
  return std::max(half + drawn, milliseconds(std::min<std::chrono::seconds>(asked, kAskedMax)));
}

}  // namespace sluice::hub
