// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "hub/api/reactors.hpp"
#include "hub/api/workers.hpp"
#include "hub/deeds/audit.hpp"
#include "hub/feed/need_desk.hpp"
#include "hub/fleet/report_keeper.hpp"
#include "hub/fleet/report_watch.hpp"
#include "hub/routes/routes.hpp"
#include "hub/tail/tail.hpp"
#include "hub/verify/verify_desk.hpp"
#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

// What the groups of routes (the files beside this one, and metrics.hpp) are made of. All of it
// outlives them.
struct ApiParts {
  const ModelShelf& models;
  const ReportKeeper& reports;
  const ReportWatch& watch;
  Tail& tail;
  const Reactors& reactors;
  const LeaseKeeper* leases;  // null without workers
  const NeedDesk& needs;
  Audit& audit;
  VerifyDesk& verify;
  const core::Clock& clock;
  const std::vector<std::string>& shards;
  const nats::ConnectionOptions& connection;
  std::function<std::uint64_t()> http_requests;  // served so far
  std::function<core::Result<void>()> reload;    // reads all model files again
  // Of a model that could not be opened (versions.hpp).
  std::function<core::Result<VersionId>(const std::string& model, const std::string& reason)>
      rebuild_away;
};

// Adds every route of docs/hub-api.md: one line per group, each with only the parts it needs.
void add_api(Routes& routes, const ApiParts& parts);

}  // namespace sluice::hub
