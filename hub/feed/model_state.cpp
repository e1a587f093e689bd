// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/model_state.hpp"

namespace sluice::hub {
namespace {

int weight(ModelState state) {
  switch (state) {
    case ModelState::kStalled:
      return 3;
    case ModelState::kBlocked:
      return 2;
    case ModelState::kLagging:
      return 1;
    case ModelState::kRunning:
      return 0;
  }
  return 0;
}

}  // namespace

Resume decide_resume(const KeptPosition& kept, const HubStreamFacts& facts,
                     const std::optional<std::string>& identity_there) {
  if (kept.hub_stream != facts.name || kept.created != facts.created) return Resume::kFromFirst;
  if (kept.sequence < facts.first) return Resume::kGoOn;
  if (kept.sequence > facts.last) return Resume::kFromFirst;
  if (!identity_there || *identity_there != kept.identity) return Resume::kFromFirst;
  return Resume::kGoOn;
}

ModelState derive_state(const Progress& progress) {
  const bool stands_still = progress.moved_ns_ago > kStalledAfterNs;
  if (!progress.connected && stands_still) return ModelState::kStalled;
  if (progress.lag() > 0 && stands_still) return ModelState::kStalled;
  if (progress.blocked) return ModelState::kBlocked;
  if (progress.lag() > kNearlyCaughtUp) return ModelState::kLagging;
  return ModelState::kRunning;
}

std::string_view state_word(ModelState state) {
  switch (state) {
    case ModelState::kRunning:
      return "running";
    case ModelState::kLagging:
      return "lagging";
    case ModelState::kStalled:
      return "stalled";
    case ModelState::kBlocked:
      return "blocked";
  }
  return "stalled";
}

ModelState worse(ModelState a, ModelState b) {
  return weight(a) >= weight(b) ? a : b;
}

}  // namespace sluice::hub
