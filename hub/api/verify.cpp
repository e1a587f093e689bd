// SPDX-License-Identifier: Apache-2.0
#include "hub/api/verify.hpp"

#include "core/json.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

namespace {

json::object described(const VerifyApi& parts, const std::string& model) {
  const auto status = parts.desk.status(model);
  json::object out = status_json(status);
  out["model"] = model;
  if (status.last) out["report"] = status.last->report;
  return out;
}

http::Response all(const VerifyApi& parts) {
  json::array list;
  for (const auto& version : parts.models.serving()) {
    json::object one = status_json(parts.desk.status(version->name()));
    one["model"] = version->name();
    list.push_back(std::move(one));
  }
  return json_response(core::to_json(json::object{{"verifications", std::move(list)}}));
}

// {"sample": K}, or nothing at all for the whole.
Result<std::uint64_t> parse_sample(std::string_view body) {
  if (body.empty()) return std::uint64_t{0};
  const auto parsed = core::parse_json(body);
  if (!parsed) return parsed.error();
  if (!parsed->is_object()) return fail(Errc::kBadRequest, "the body must be a JSON object");
  std::uint64_t out = 0;
  for (const auto& entry : parsed->as_object()) {
    if (entry.key() != "sample")
      return fail(Errc::kBadRequest, "unknown field", std::string(entry.key()));
    if (!entry.value().is_int64() || entry.value().as_int64() < 1)
      return fail(Errc::kBadRequest, "sample must be a number of rows", "sample");
    out = static_cast<std::uint64_t>(entry.value().as_int64());
  }
  return out;
}

http::Response ask(const VerifyApi& parts, const http::Request& request) {
  if (const auto sender = check_sender(request); !sender)
    return http::error_response(sender.error());
  const std::string model(request.parameter("model"));
  const auto sample = parse_sample(request.body);
  if (!sample) return http::error_response(sample.error());
  if (const auto asked = parts.desk.ask(model, *sample); !asked)
    return http::error_response(asked.error());
  auto response = json_response(core::to_json(described(parts, model)));
  response.status = 202;
  return response;
}

http::Response one(const VerifyApi& parts, const http::Request& request) {
  const std::string model(request.parameter("model"));
  if (!parts.models.serving(model)) return http::error_response(parts.models.missing(model));
  return json_response(core::to_json(described(parts, model)));
}

}  // namespace

void add_verify_api(Routes& routes, const VerifyApi& parts) {
  routes.report("/v1/verify", [parts](const http::Request&) { return all(parts); });
  routes.report("/v1/verify/{model}",
                [parts](const http::Request& request) { return one(parts, request); });
  routes.post("/v1/verify/{model}",
              [parts](const http::Request& request) { return ask(parts, request); });
}

MetricsGroup verify_metrics(const ModelShelf& models, const VerifyDesk& desk) {
  return [&models, &desk](http::PrometheusText& out) -> Result<void> {
    std::vector<std::pair<std::string, VerifyDesk::Status>> known;
    for (const auto& version : models.serving())
      if (auto status = desk.status(version->name()); status.last)
        known.emplace_back(version->name(), std::move(status));
    out.family("sluice_hub_verify_last_seconds", "gauge",
               "When the model was compared with its events last, since 1970.");
    for (const auto& [name, status] : known)
      out.sample({{"model", name}}, static_cast<double>(status.last->ended_ns) / 1e9);
    out.family("sluice_hub_verify_differences", "gauge", "Rows that differed then.");
    for (const auto& [name, status] : known)
      out.sample({{"model", name}}, status.last->differences);
    out.family("sluice_hub_verify_rows", "gauge", "Rows that were compared then.");
    for (const auto& [name, status] : known) out.sample({{"model", name}}, status.last->rows);
    out.family("sluice_hub_verify_unverifiable", "gauge",
               "Gateways and tables that could not be compared: the hub lacks their events.");
    for (const auto& [name, status] : known)
      out.sample({{"model", name}}, status.last->unverifiable);
    out.family("sluice_hub_verify_duration_seconds", "gauge", "How long it took.");
    for (const auto& [name, status] : known) out.sample({{"model", name}}, status.last->duration_s);
    return {};
  };
}

}  // namespace sluice::hub
