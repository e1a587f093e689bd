// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/prometheus_text.hpp"
#include "rpc/value.hpp"

namespace sluice::gateway {

// The families that come from the uplink's own words (`link` in docs/protocol.md): what it sends
// again, how fast the link is. What it does not say, as while there is none, is left out.
void add_link_metrics(http::PrometheusText& out, const rpc::Value& link);

}  // namespace sluice::gateway
