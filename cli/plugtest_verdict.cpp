// SPDX-License-Identifier: Apache-2.0
#include "cli/plugtest_verdict.hpp"

#include <map>
#include <set>

#include "cli/output.hpp"

namespace sluice::cli {

RoundVerdict judge_round(const Round& round, const std::vector<Kept>& kept, Ending ending) {
  RoundVerdict out{.name = round.name, .ending = ending};
  out.noted = round.notes.size();
  out.kept = kept.size();
  std::unordered_map<core::Uuid, std::size_t> place;
  std::set<std::uint64_t> numbers;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const bool new_id = place.emplace(kept[i].id, i).second;
    const bool new_number = numbers.insert(kept[i].n).second;
    if (!new_id || !new_number) ++out.doubled;
  }
  std::size_t next = 0;
  for (const Note& note : round.notes) {
    const auto at = place.find(note.id);
    if (at == place.end()) {
      if (out.lost++ == 0) out.first_lost = note.n;
      continue;
    }
    const Kept& event = kept[at->second];
    if (event.epoch != note.epoch || event.seq != note.seq || event.n != note.n ||
        at->second < next)
      ++out.out_of_order;
    next = at->second + 1;
  }
  return out;
}

HubVerdict judge_hub(const Round& round, const std::vector<Kept>& at_hub) {
  HubVerdict out;
  std::unordered_map<core::Uuid, std::set<std::pair<core::Epoch, core::Seq>>> identities;
  for (const Kept& event : at_hub) {
    auto& known = identities[event.id];
    const bool first_of_id = known.empty();
    const bool new_identity = known.emplace(event.epoch, event.seq).second;
    if (!new_identity)
      ++out.copies;
    else if (!first_of_id)
      ++out.doubled;
  }
  for (const Note& note : round.notes) out.missing += identities.count(note.id) == 0 ? 1 : 0;
  return out;
}

bool passed(const std::vector<RoundVerdict>& rounds, const HubVerdict* hub) {
  bool any_ended = false;
  for (const RoundVerdict& round : rounds) {
    if (!round.good()) return false;
    any_ended = any_ended || (round.ending != Ending::kNone && round.noted > 0);
  }
  return any_ended && (hub == nullptr || (hub->missing == 0 && hub->doubled == 0));
}

std::string conclusion(const std::vector<RoundVerdict>& rounds, const HubVerdict* hub) {
  std::uint64_t noted = 0, lost = 0, doubled = 0, out_of_order = 0, reboots = 0, ended = 0;
  for (const RoundVerdict& round : rounds) {
    noted += round.noted;
    lost += round.lost;
    doubled += round.doubled;
    out_of_order += round.out_of_order;
    reboots += round.ending == Ending::kReboot ? 1 : 0;
    ended += round.ending != Ending::kNone && round.noted > 0 ? 1 : 0;
  }
  if (lost > 0)
    return with_thousands(lost) + " of " + with_thousands(noted) +
           " acknowledged events are gone. This storage does not keep what it reports as synced, "
           "or is mounted so that it cannot (look for 'nobarrier' in /proc/mounts), or the log was "
           "replaced by an older copy. Do not use it for a gateway: try another card, and test "
           "again.";
  if (doubled > 0 || out_of_order > 0)
    return "Nothing was lost, but " + with_thousands(doubled) + " events are there twice and " +
           with_thousands(out_of_order) +
           " lie elsewhere than acknowledged. That must not happen on any storage: keep the state "
           "folder as it is, and report it.";
  if (ended == 0)
    return "Nothing was tested yet: the gateway has not started anew since the last round. Pull "
           "the plug while `sluice plugtest run` is at work, let the board start, and check again.";
  if (hub != nullptr && hub->doubled > 0)
    return with_thousands(hub->doubled) +
           " events are at the hub under two identities and would take effect twice. Keep the "
           "state folder as it is, and report it.";
  if (hub != nullptr && hub->missing > 0)
    return "The log has everything; " + with_thousands(hub->missing) +
           " events are not at the hub yet. Let the uplink finish (sluice status), and check "
           "again.";
  std::string words = with_thousands(noted) + " acknowledged events survived " +
                      std::to_string(ended) + (ended == 1 ? " cut" : " cuts") +
                      ", each once and in order.";
  if (reboots < ended)
    words += " But in " + std::to_string(ended - reboots) +
             " of them the machine itself did not boot: that was a killed process, not a pulled "
             "plug.";
  if (reboots > 0 && reboots < 20)
    words += " A card that forgets one cut in ten passes " + std::to_string(reboots) +
             " of them easily: go on to 20 or more before you trust it.";
  return words;
}

}  // namespace sluice::cli
