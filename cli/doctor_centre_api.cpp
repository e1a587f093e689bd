// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "cli/centre_findings.hpp"
#include "cli/doctor_centre.hpp"
#include "cli/hub.hpp"
#include "http/client.hpp"

// The checks that ask sluice-hub itself.
namespace sluice::cli {
namespace {

namespace json = core::json;

std::string url_of(const Centre& centre) {
  return centre.api_url.empty() ? "http://" + centre.settings->listen : centre.api_url;
}

// The document of an answer, or what to say instead.
core::Result<json::object> ask(const Centre& centre, const char* path) {
  auto answer = Hub(url_of(centre)).get(path);
  if (!answer) return answer.error();
  if (!answer->is_object())
    return core::fail(core::Errc::kCorrupt,
                      "the answer to " + std::string(path) + " has another form");
  return std::move(answer->get_object());
}

Finding no_answer(const core::Error& error) {
  return failed(error.message, error.code == core::Errc::kUnauthorized
                                   ? "Put a line of token_file into SLUICE_HUB_TOKEN."
                                   : "journalctl -u sluice-hub");
}

}  // namespace

Findings check_hub_api(Centre& centre) {
  if (!centre.settings && centre.api_url.empty())
    return {skipped("the configuration does not say where it listens")};
  auto endpoint = http::Endpoint::parse(url_of(centre));
  if (!endpoint) return {failed(endpoint.error().message, "Correct listen in [hub].")};
  http::Client client(*endpoint);
  const auto answer = client.get("/readyz");
  if (!answer)
    return {failed("nobody answers at " + url_of(centre) + ": " + answer.error().message,
                   "systemctl status sluice-hub; it says in its log why it does not start. Port 0 "
                   "in listen: name the address with --hub.")};
  centre.api_answers = true;
  if (answer->status != 200)
    return {warn("it answers at " + url_of(centre) + ", and says: " + answer->body,
                 "The checks above and below say why.")};
  return {found("it answers at " + url_of(centre) + " and reads every shard")};
}

Findings check_models(Centre& centre) {
  if (!centre.api_answers) return {skipped("sluice-hub does not answer")};
  const auto models = ask(centre, "/v1/models");
  if (!models) return {no_answer(models.error())};
  return findings_of_models(*models);
}

Findings check_holds(Centre& centre) {
  if (!centre.api_answers) return {skipped("sluice-hub does not answer")};
  const auto holds = ask(centre, "/v1/holds");
  if (!holds) return {no_answer(holds.error())};
  const auto gateways = ask(centre, "/v1/gateways");
  return findings_of_holds(*holds, gateways ? *gateways : json::object());
}

Findings check_gateways(Centre& centre) {
  if (!centre.api_answers) return {skipped("sluice-hub does not answer")};
  const auto gateways = ask(centre, "/v1/gateways");
  if (!gateways) return {no_answer(gateways.error())};
  return findings_of_gateways(*gateways);
}

}  // namespace sluice::cli
