// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "http/prometheus_text.hpp"
#include "hub/routes/routes.hpp"

namespace sluice::hub {

class ReportKeeper;
class LeaseKeeper;
class ModelShelf;

// Writes one group of families into a /metrics page. Any thread; waits for no database.
using MetricsGroup = std::function<core::Result<void>(http::PrometheusText&)>;

// Positions, lag and state per model and shard; effects, holds and parked events per model.
// `leases` is null without workers; of what another worker reads, that one tells.
MetricsGroup model_metrics(const ModelShelf& models, const LeaseKeeper* leases,
                           const core::Clock& clock);
// Reports, backlogs, clones and forks per gateway.
MetricsGroup gateway_metrics(const ModelShelf& models, const ReportKeeper& reports,
                             const core::Clock& clock);

// GET /metrics: all groups, in this order. A group that fails fails the page.
void add_metrics_api(Routes& routes, std::vector<MetricsGroup> groups);

}  // namespace sluice::hub
