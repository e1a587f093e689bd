// SPDX-License-Identifier: Apache-2.0
#include "hub/api/versions.hpp"

#include <algorithm>
#include <cmath>

#include "core/text.hpp"
#include "hub/deeds/operator_words.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

namespace {

// The body of a request that changes a model's versions.
struct Change {
  std::string reason;
  std::optional<VersionId> to;
  bool accept = false;
};

Result<Change> parse_change(const http::Request& request,
                            std::initializer_list<std::string_view> known) {
  const auto parsed = core::parse_json(request.body);
  if (!parsed) return parsed.error();
  if (!parsed->is_object()) return fail(Errc::kBadRequest, "the body must be a JSON object");
  Change out;
  for (const auto& [key, value] : parsed->get_object()) {
    const std::string name(key);
    if (std::find(known.begin(), known.end(), name) == known.end())
      return fail(Errc::kBadRequest, "unknown field", name);
    if (name == "accept") {
      if (!value.is_bool()) return fail(Errc::kBadRequest, "accept must be true or false", name);
      out.accept = value.get_bool();
    } else if (!value.is_string()) {
      return fail(Errc::kBadRequest, name + " must be text", name);
    } else if (name == "reason") {
      out.reason = value.get_string();
    } else {
      out.to = VersionId::parse(std::string_view(value.get_string()));
      if (!out.to) return fail(Errc::kBadRequest, "a version is written \"3\" or \"3.2\"", name);
    }
  }
  SLUICE_TRY(check_reason(out.reason));
  out.reason += " (" + request.peer + ")";
  return out;
}

json::object describe_build(const BuildStatus& build) {
  json::object out{{"version", build.id.text()},
                   {"returning", build.returning},
                   {"state", build_state_word(build.verdict.state)},
                   {"why", build.verdict.why},
                   {"reason", build.reason},
                   {"begun_at", core::format_time(build.begun_ns)},
                   {"position", build.done},
                   {"hub_last", build.last},
                   {"percent", std::floor(build.percent * 10) / 10},
                   {"rate", std::llround(build.rate)},
                   {"parked", build.parked},
                   {"sample", build.checked}};
  out["eta_s"] = build.eta_s ? json::value(std::llround(*build.eta_s)) : json::value(nullptr);
  return out;
}

// One model's answer to a change that was begun.
http::Response begun(const ModelHost& host, const VersionId& id) {
  json::object out = describe_versions(host);
  out["model"] = host.name();
  out["version"] = id.text();
  return json_response(core::to_json(out));
}

http::Response rebuild(const VersionsApi& parts, const http::Request& request) {
  if (const auto sender = check_sender(request); !sender)
    return http::error_response(sender.error());
  const auto change = parse_change(request, {"reason", "accept"});
  if (!change) return http::error_response(change.error());
  const std::string name(request.parameter("model"));
  auto host = parts.models.find(name);
  if (!host && change->accept) return http::error_response(parts.models.missing(name));
  const auto id = !host            ? parts.rebuild_away(name, change->reason)
                  : change->accept ? host->accept()
                                   : host->rebuild(change->reason);
  if (!id) return http::error_response(id.error());
  if (!host) host = parts.models.find(name);
  return begun(*host, *id);
}

http::Response roll_back(const VersionsApi& parts, const http::Request& request) {
  if (const auto sender = check_sender(request); !sender)
    return http::error_response(sender.error());
  const auto change = parse_change(request, {"reason", "to"});
  if (!change) return http::error_response(change.error());
  const auto host = parts.models.find(request.parameter("model"));
  if (!host) return http::error_response(parts.models.missing(request.parameter("model")));
  const auto id = host->roll_back(change->to, change->reason);
  if (!id) return http::error_response(id.error());
  return begun(*host, *id);
}

http::Response reload(const VersionsApi& parts, const http::Request& request) {
  if (const auto sender = check_sender(request); !sender)
    return http::error_response(sender.error());
  if (const auto words = check_no_words(request.body); !words)
    return http::error_response(words.error());
  if (const auto done = parts.reload(); !done) return http::error_response(done.error());
  json::array models;
  for (const auto& host : parts.models.hosts()) {
    json::object one = describe_versions(*host);
    one["model"] = host->name();
    models.push_back(std::move(one));
  }
  return json_response(core::to_json(json::object{{"models", std::move(models)}}));
}

}  // namespace

json::object describe_versions(const ModelHost& host) {
  const HostStatus status = host.status();
  json::array kept;
  for (const KeptStatus& version : status.kept)
    kept.push_back(json::object{{"version", version.id.text()},
                                {"since", core::format_time(version.since_ns)},
                                {"bytes", version.bytes}});
  json::object out{{"serving", status.serving.text()}, {"kept", std::move(kept)}};
  out["building"] = status.building ? json::value(describe_build(*status.building)) : nullptr;
  out["problem"] = status.problem;
  out["lost"] = status.lost ? json::value(status.lost->text()) : nullptr;
  return out;
}

void add_versions_api(Routes& routes, const VersionsApi& parts) {
  routes.post("/v1/models/reload",
              [parts](const http::Request& request) { return reload(parts, request); });
  routes.post("/v1/models/{model}/rebuild",
              [parts](const http::Request& request) { return rebuild(parts, request); });
  routes.post("/v1/models/{model}/rollback",
              [parts](const http::Request& request) { return roll_back(parts, request); });
}

}  // namespace sluice::hub
