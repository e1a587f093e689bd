// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/disk/acknowledged.hpp"

#include <unordered_map>

namespace sluice::test {

Comparison compare(const std::vector<std::vector<Acknowledged>>& acked,
                   const std::vector<Found>& found) {
  Comparison out;
  const auto wrong = [&out](std::uint64_t& count, const core::Uuid& id, const std::string& words) {
    ++count;
    if (out.example.empty()) out.example = "event " + id.text() + " " + words;
  };
  std::unordered_map<core::Uuid, std::size_t> place;  // in `found`
  for (std::size_t i = 0; i < found.size(); ++i)
    if (!place.emplace(found[i].id, i).second)
      wrong(out.doubled, found[i].id, "is there twice, again at " + std::to_string(found[i].seq));
  for (const auto& device : acked) {
    std::size_t last = 0;
    for (const Acknowledged& event : device) {
      ++out.acked;
      const auto at = place.find(event.id);
      if (at == place.end()) {
        wrong(event.before_cut ? out.lost : out.lost_late, event.id,
              "was acknowledged at " + std::to_string(event.seq) + " and is gone");
        continue;
      }
      const Found& there = found[at->second];
      if (there.lane != event.lane || there.epoch != event.epoch || there.seq != event.seq)
        wrong(out.out_of_order, event.id,
              "was acknowledged at " + std::to_string(event.seq) + " and lies at " +
                  std::to_string(there.seq));
      else if (at->second + 1 <= last)
        wrong(out.out_of_order, event.id, "lies before what its device sent earlier");
      last = at->second + 1;
    }
  }
  return out;
}

}  // namespace sluice::test
