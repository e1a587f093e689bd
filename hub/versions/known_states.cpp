// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/known_states.hpp"

namespace sluice::hub {

std::vector<KnownState> known_states(const ModelShelf::Versions& versions) {
  std::vector<std::uint64_t> tickets;
  tickets.reserve(versions.size());
  for (const auto& version : versions) tickets.push_back(version->state().ask());
  std::vector<KnownState> out;
  out.reserve(versions.size());
  for (std::size_t i = 0; i < versions.size(); ++i)
    out.push_back({versions[i], versions[i]->state().newest(tickets[i])});
  return out;
}

}  // namespace sluice::hub
