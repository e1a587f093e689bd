// SPDX-License-Identifier: Apache-2.0
#include "hub/api/health.hpp"

#include "hub/workers/elsewhere.hpp"

namespace sluice::hub {

namespace {

http::Response ready(const ModelShelf& models, const Elsewhere& elsewhere) {
  std::string waiting;
  for (const ModelShelf::Away& away : models.away()) waiting += away.model + ": " + away.why + "\n";
  for (const auto& model : models.serving())
    for (const auto& feed : model->feeds())
      if (const FeedStatus status = feed->status();
          !status.connected && !elsewhere.has(feed->shard()))
        waiting += model->name() + "/" + feed->shard() + ": " +
                   (status.last_error.empty() ? "connecting" : status.last_error) + "\n";
  http::Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.status = waiting.empty() ? 200 : 503;
  response.body = waiting.empty() ? "ready\n" : "not ready\n" + waiting;
  return response;
}

}  // namespace

void add_health_api(Routes& routes, const ModelShelf& models, const LeaseKeeper* leases) {
  routes.report(
      "/readyz",
      [&models, leases](const http::Request&) { return ready(models, Elsewhere(leases)); },
      Routes::Access::kOpen);
  // Green as long as the server's own thread answers: it asks nobody.
  routes.direct(
      "GET", "/healthz",
      [](const http::Request&, const http::Respond& respond) {
        respond({200, "text/plain; charset=utf-8", "ok\n", {}});
      },
      Routes::Access::kOpen);
}

}  // namespace sluice::hub
