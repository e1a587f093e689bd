// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hub/metrics/metrics.hpp"
#include "hub/routes/routes.hpp"
#include "hub/verify/verify_desk.hpp"
#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

// GET /v1/verify, GET and POST /v1/verify/{model}.
struct VerifyApi {
  const ModelShelf& models;
  VerifyDesk& desk;
};
void add_verify_api(Routes& routes, const VerifyApi& parts);

// sluice_hub_verify_...: per model, once it was verified.
MetricsGroup verify_metrics(const ModelShelf& models, const VerifyDesk& desk);

}  // namespace sluice::hub
