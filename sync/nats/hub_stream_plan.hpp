// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "core/result.hpp"

// What a hub stream for events, and the bucket for reports, must be like. Pure: no I/O.
namespace sluice::nats {

// What the operator decides; everything else is fixed by what Sluice promises.
struct HubStreamWish {
  std::string shard = "main";
  std::optional<std::uint64_t> max_bytes = {};           // must be chosen to create
  std::optional<std::chrono::nanoseconds> max_age = {};  // 0: for ever; must be chosen to create
  int replicas = 1;                                      // 1 to 5
  bool workers = false;                                  // also the bucket of their leases
  bool immutable = false;  // deny_delete and deny_purge: the server never lets them be undone
};

// One setting of a JetStream stream, as the server's API names it.
struct StreamSetting {
  std::string name;
  core::json::value value;
  std::string why;       // in words, for people
  bool chosen = true;    // false: the operator did not say; any value found is right
  bool compared = true;  // false: only a beginning; a stream that has another value is right too
};

struct StreamPlan {
  std::string stream;  // "EVENTS-main", "KV_SLUICE-REPORTS"
  std::string what;    // in words
  std::vector<StreamSetting> settings;
  // The body of STREAM.CREATE: exactly these fields, all known since nats-server 2.9, because 2.12
  // refuses unknown ones.
  core::json::object create_request() const;
  // Settings that the operator must still choose before it can be created.
  std::vector<std::string> undecided() const;
};

// kBadRequest: a shard name, replicas or sizes that cannot be.
core::Result<StreamPlan> plan_events(const HubStreamWish& wish);
StreamPlan plan_reports(int replicas);
StreamPlan plan_leases(int replicas);  // for workers that share shards

// How an existing stream differs from a plan.
struct Disagreement {
  std::string name;
  core::json::value wanted;
  core::json::value found;  // null: not there
  std::string why;
};
// `config`: the server's stream configuration. Also finds what a plan does not name but what would
// change, hide or drop events: sources, a mirror, a transform of subjects, storing before the ack.
std::vector<Disagreement> disagreements(const StreamPlan& plan, const core::json::object& config);

}  // namespace sluice::nats
