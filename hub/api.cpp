// SPDX-License-Identifier: Apache-2.0
#include "hub/api.hpp"

#include <utility>

namespace sluice::hub {

using core::Errc;
using core::fail;

Progress progress_of(const FeedStatus& status, bool blocked, const core::Clock& clock) {
  const std::uint64_t now = clock.monotonic_ns();
  return {status.connected, status.position, std::max(status.hub_last, status.position),
          now > status.moved_ns ? now - status.moved_ns : 0, blocked};
}

double lag_seconds(const FeedStatus& status, const core::Clock& clock) {
  if (status.hub_last <= status.position || status.stored_ns == 0) return 0;
  return std::max(0.0, static_cast<double>(clock.wall_ns() - status.stored_ns) / 1e9);
}

std::uint64_t backlog_of(const codec::Report& report) {
  std::uint64_t backlog = 0;
  for (const auto& lane : report.lanes)
    backlog += lane.last > lane.acked ? lane.last - lane.acked : 0;
  return backlog;
}

const ServedModel* Api::find(std::string_view name) const {
  for (const ServedModel& model : parts_.models)
    if (model.host->name() == name) return &model;
  return nullptr;
}

http::Response Api::ready() const {
  std::string waiting;
  for (const ServedModel& model : parts_.models)
    for (const auto& feed : model.feeds)
      if (const FeedStatus status = feed->status(); !status.connected)
        waiting += model.host->name() + "/" + feed->shard() + ": " +
                   (status.last_error.empty() ? "connecting" : status.last_error) + "\n";
  http::Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.status = waiting.empty() ? 200 : 503;
  response.body = waiting.empty() ? "ready\n" : "not ready\n" + waiting;
  return response;
}

void add_api(http::Router& router, const std::shared_ptr<const Api>& api, const Worker& work) {
  using Answer = std::function<http::Response(const Api&, const http::Request&)>;
  const auto add = [&](const char* method, const char* pattern, Answer answer, bool open = false) {
    router.add(
        method, pattern,
        [api, work, answer = std::move(answer)](http::Request request, http::Respond respond) {
          work([api, answer, request = std::move(request), respond = std::move(respond)] {
            http::Response response = answer(*api, request);
            response.headers.emplace_back("X-Content-Type-Options", "nosniff");
            response.headers.emplace_back("Cache-Control", "no-store");
            respond(std::move(response));
          });
        },
        open);
  };
  add("GET", "/v1/models", [](const Api& a, const http::Request&) { return a.models(); });
  add("GET", "/v1/models/{model}",
      [](const Api& a, const http::Request& request) { return a.model(request); });
  add("GET", "/v1/models/{model}/{table}",
      [](const Api& a, const http::Request& request) { return a.rows(request); });
  add("GET", "/v1/gateways", [](const Api& a, const http::Request&) { return a.gateways(); });
  add("GET", "/v1/holds", [](const Api& a, const http::Request&) { return a.holds(); });
  add("POST", "/v1/holds/skip",
      [](const Api& a, const http::Request& request) { return a.skip_hold(request); });
  add("GET", "/metrics", [](const Api& a, const http::Request&) { return a.metrics(); });
  add(
      "GET", "/readyz", [](const Api& a, const http::Request&) { return a.ready(); }, true);
  // Green as long as the server's own thread answers: it asks nobody.
  router.add(
      "GET", "/healthz",
      [](const http::Request&, const http::Respond& respond) {
        respond({200, "text/plain; charset=utf-8", "ok\n", {}});
      },
      true);
}

}  // namespace sluice::hub
