// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "sync/nats/connection.hpp"
#include "sync/nats/hub_stream_plan.hpp"

// Makes what a shard needs at the hub, or checks it: the decisions are hub_stream_plan's, here they
// meet a server. Never changes and never deletes anything that exists.
namespace sluice::nats {

struct ProvisionedStream {
  enum class State { kMissing, kCreated, kAgrees, kDisagrees };
  State state = State::kMissing;
  StreamPlan plan;
  core::json::object config = {};  // as the server has it now; empty if missing
  std::string created = {};
  std::vector<Disagreement> differences = {};
};

struct Provisioned {
  std::uint64_t max_payload = 0;
  std::vector<ProvisionedStream> streams;  // events, reports
  bool agrees() const;
};

struct ProvisionRun {
  HubStreamWish wish;
  bool check_only = false;
  std::chrono::milliseconds timeout{30'000};  // of each request: a clustered create takes seconds
};

// kLimit: the server's max_payload is smaller than the largest event and 8 KiB; kUnavailable: no
// answer, or JetStream is off; kBadRequest: a setting that must be chosen was not (nothing was
// created then); other errors of the server as kIo in its words. A stream that disagrees is no
// error of the call: see `differences`.
core::Result<Provisioned> provision(Connection& connection, const ProvisionRun& run);

}  // namespace sluice::nats
