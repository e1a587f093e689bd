// SPDX-License-Identifier: Apache-2.0
#include "hub/api_definitions.hpp"

#include "core/json.hpp"

namespace sluice::hub {

namespace {

http::Response definition(const ModelShelf& models, const http::Request& request) {
  const auto version = models.serving(request.parameter("model"));
  if (!version) return http::error_response(models.missing(request.parameter("model")));
  return json_response(core::to_json(core::json::object{{"model", version->name()},
                                                        {"version", version->id().text()},
                                                        {"text", version->model().text()}}));
}

}  // namespace

void add_definitions_api(Routes& routes, const ModelShelf& models) {
  routes.report("/v1/definitions/{model}",
                [&models](const http::Request& request) { return definition(models, request); });
}

}  // namespace sluice::hub
