// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor.hpp"
#include "cli/seen_forks.hpp"
#include "core/machine.hpp"
#include "core/text.hpp"

// Whether the log's history is one: what it tells of forks, and whose machine it is.
namespace sluice::cli {
Finding check_history(Patient& patient) {
  if (!patient.log) return skipped("there is no log");
  const auto epochs = patient.log->epochs(core::Lane::kSystem);
  if (!epochs || epochs->empty()) return skipped("the log does not say");
  const std::string& then = epochs->back().machine;
  const std::string now = patient.uplink && !patient.uplink->machine.empty()
                              ? patient.uplink->machine
                              : core::machine_identity();
  if (!then.empty() && then != now)
    return warn(
        "the log was last written on machine " + then + ", this is " + now,
        "If that machine still runs as this gateway, the two are clones: give one of them "
        "a name of its own (sluice clone-prepare). If its board was replaced, all is well.");
  if (const auto forks = seen_forks(*patient.log, 1); !forks.empty())
    return warn("the log came apart (" + forks[0].kind + ", " +
                    core::format_time(forks[0].wall_ns / 1'000'000'000 * 1'000'000'000) +
                    "): " + forks[0].words,
                forks[0].to_do);
  return found("written on this machine (" + now + "), " + std::to_string(epochs->size()) +
               (epochs->size() == 1 ? " start" : " starts") + " retained, no fork seen");
}

}  // namespace sluice::cli
