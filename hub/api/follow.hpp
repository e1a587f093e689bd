// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hub/routes/routes.hpp"
#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

// GET /v1/models/{model}/{table}/follow: the rows, and then each change of them, as server-sent
// events, until the client goes. What a client has missed is never passed over: it is told to
// forget what it has, and gets the rows again.
struct FollowApi {
  const ModelShelf& models;
};
void add_follow_api(Routes& routes, const FollowApi& parts);

}  // namespace sluice::hub
