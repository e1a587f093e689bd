// SPDX-License-Identifier: Apache-2.0
#include "cli/identity_audit.hpp"

namespace sluice::cli {
namespace {
constexpr std::size_t kExamplesMax = 10;
}

void IdentityAudit::in_log(const core::EventView& event) {
  const core::Identity identity{std::string(event.gateway), event.epoch, event.lane, event.seq, 0};
  Seen& seen = by_identity_[identity.text()];
  seen.id = event.id.text();
  seen.reserved = event.is_reserved();
  seen.logged = true;
}

void IdentityAudit::at_hub(const std::string& identity, bool reserved) {
  Seen& seen = by_identity_[identity];
  seen.reserved |= reserved;
  ++seen.copies;
}

void IdentityAudit::applied(const std::string& event_id, std::uint64_t times) {
  effects_[event_id] += times;
}

IdentityAudit::Figures IdentityAudit::figures(bool with_model) const {
  Figures all;
  const auto wrong = [&](std::uint64_t& figure, std::uint64_t by, const std::string& example) {
    figure += by;
    if (all.examples.size() < kExamplesMax) all.examples.push_back(example);
  };
  std::uint64_t found_effects = 0;
  for (const auto& [identity, seen] : by_identity_) {
    if (!seen.logged) {
      wrong(all.foreign, 1, identity + " is at the hub but not in the log");
      continue;
    }
    if (seen.copies > 1)
      wrong(all.duplicated, seen.copies - 1,
            identity + " is at the hub " + std::to_string(seen.copies) + " times");
    const auto effect = effects_.find(seen.id);
    const bool counted = effect != effects_.end() && effect->second > 0;
    if (!seen.reserved) {
      ++all.appended;
      all.stored += seen.copies > 0 ? 1 : 0;
      all.applied += counted ? 1 : 0;
      found_effects += counted ? 1 : 0;
      if (counted && effect->second > 1)
        wrong(all.duplicated, effect->second - 1,
              identity + " took effect " + std::to_string(effect->second) + " times");
    }
    if (seen.copies == 0)
      wrong(all.missing, 1, identity + " is not at the hub");
    else if (with_model && !seen.reserved && !counted)
      wrong(all.missing, 1, identity + " has no effect in the model");
  }
  if (with_model && effects_.size() > found_effects)
    wrong(all.foreign, effects_.size() - found_effects,
          "the model counts events that the log does not have");
  return all;
}

}  // namespace sluice::cli
