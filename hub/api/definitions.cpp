// SPDX-License-Identifier: Apache-2.0
#include "hub/api/definitions.hpp"

#include "core/json.hpp"
#include "hub/api/decision_json.hpp"

namespace sluice::hub {

namespace {

http::Response definition(const ModelShelf& models, const http::Request& request) {
  const auto version = models.serving(request.parameter("model"));
  if (!version) return http::error_response(models.missing(request.parameter("model")));
  return json_response(core::to_json(core::json::object{{"model", version->name()},
                                                        {"version", version->id().text()},
                                                        {"text", version->model().text()}}));
}

http::Response decisions(const ModelShelf& models, const http::Request& request) {
  const auto version = models.serving(request.parameter("model"));
  if (!version) return http::error_response(models.missing(request.parameter("model")));
  const auto all = version->decided();
  if (!all) return http::error_response(all.error());
  core::json::array out;
  for (const projection::Decision& decision : all->decisions)
    out.push_back(decision_json(decision));
  core::json::array skipped;
  for (const projection::SkippedHole& hole : all->skipped) skipped.push_back(skipped_json(hole));
  return json_response(core::to_json(core::json::object{{"model", version->name()},
                                                        {"version", version->id().text()},
                                                        {"decisions", std::move(out)},
                                                        {"skipped", std::move(skipped)}}));
}

}  // namespace

void add_definitions_api(Routes& routes, const ModelShelf& models) {
  routes.report("/v1/definitions/{model}",
                [&models](const http::Request& request) { return definition(models, request); });
  routes.get("/v1/definitions/{model}/decisions",
             [&models](const http::Request& request) { return decisions(models, request); });
}

}  // namespace sluice::hub
