// SPDX-License-Identifier: Apache-2.0
#include "hub/api/standing.hpp"

#include <algorithm>
#include <cstdio>

#include "core/text.hpp"

namespace sluice::hub {

namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

void add_standing(const ModelVersion& version, const projection::QueryPage& page,
                  const core::Clock& clock, http::Response& out) {
  std::string positions;
  std::uint64_t lag = 0;
  double seconds = 0;
  bool all_ours = true;
  ModelState state = ModelState::kRunning;
  for (const auto& feed : version.feeds()) {
    const FeedStatus status = feed->status();
    all_ours &= !status.elsewhere;
    state = worse(state, derive_state(progress_of(status, false, clock)));
    seconds = std::max(seconds, lag_seconds(status, clock));
    std::uint64_t position = 0;
    for (const auto& read : page.positions)
      if (read.hub_stream == status.hub.name) position = read.sequence;
    positions += (positions.empty() ? "" : ", ") + feed->shard() + "=" + std::to_string(position);
    lag += status.hub_last > position ? status.hub_last - position : 0;
  }
  out.headers.emplace_back("Sluice-Model-Version", version.id().text());
  out.headers.emplace_back("Sluice-State", state_word(state));
  out.headers.emplace_back("Sluice-Position", positions);
  // How far the hub stream of a shard goes is known to the worker that reads it.
  if (all_ours) {
    char lag_text[32];
    std::snprintf(lag_text, sizeof lag_text, "%.3f", lag == 0 ? 0.0 : seconds);
    out.headers.emplace_back("Sluice-Lag-Events", std::to_string(lag));
    out.headers.emplace_back("Sluice-Lag-Seconds", lag_text);
  }
  if (page.last_event_ns != 0)
    out.headers.emplace_back("Sluice-As-Of", core::format_time(page.last_event_ns));
}

std::string entity_tag(const ModelVersion& version, std::uint64_t state) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(state));
  return "\"" + version.id().text() + "-" + text + "\"";
}

bool names_tag(std::string_view if_none_match, std::string_view tag) {
  for (std::string_view each : core::split(if_none_match, ',')) {
    each = trimmed(each);
    if (each.starts_with("W/")) each.remove_prefix(2);
    if (each == tag || each == "*") return true;
  }
  return false;
}

}  // namespace sluice::hub
