// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/clock.hpp"
#include "hub/deeds/audit.hpp"
#include "hub/feed/reactor_host.hpp"
#include "hub/metrics/metrics.hpp"
#include "hub/routes/routes.hpp"

namespace sluice::hub {

using Reactors = std::vector<std::unique_ptr<ReactorHost>>;

struct ReactorsApi {
  const Reactors& reactors;
  Audit& audit;
  const core::Clock& clock;
};
// /v1/reactors: what they do, their dead letters, and what operators decide about these.
void add_reactors_api(Routes& routes, const ReactorsApi& parts);

MetricsGroup reactor_metrics(const Reactors& reactors, const core::Clock& clock);

}  // namespace sluice::hub
