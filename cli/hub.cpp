// SPDX-License-Identifier: Apache-2.0
#include "cli/hub.hpp"

#include <cstdlib>

#include "http/client.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::Result;
namespace json = core::json;

Result<http::Client> client_for(const std::string& url) {
  auto endpoint = http::Endpoint::parse(url);
  if (!endpoint) return endpoint.error();
  http::Client::Options options;
  options.timeout = std::chrono::seconds(45);  // a query may wait 30 s for an append
  if (const char* token = std::getenv("SLUICE_HUB_TOKEN")) options.token = token;
  return http::Client(*endpoint, options);
}

Result<json::value> document_of(const std::string& url, const Result<http::Response>& answer) {
  if (!answer) {
    core::Error error = answer.error();
    if (error.code == Errc::kUnavailable)
      error.message = "no hub answers at " + url + " (" + error.message +
                      "); is sluice-hub running? Name another with --hub or SLUICE_HUB";
    return error;
  }
  if (answer->status / 100 != 2) {
    core::Error error = http::error_of(*answer);
    if (error.code == Errc::kUnauthorized)
      error.message += "; put the hub's token into SLUICE_HUB_TOKEN";
    return error;
  }
  return core::parse_json(answer->body);
}

}  // namespace

Result<json::value> Hub::get(const std::string& target) const {
  auto client = client_for(url_);
  if (!client) return client.error();
  return document_of(url_, client->get(target));
}

Result<json::value> Hub::post(const std::string& target, const json::value& document) const {
  auto client = client_for(url_);
  if (!client) return client.error();
  return document_of(url_, client->post(target, core::to_json(document)));
}

core::Result<void> all_answered(const core::json::object& document) {
  const core::json::value* away = document.if_contains("away");
  if (away == nullptr || !away->is_array() || away->get_array().empty()) return {};
  std::string words;
  for (const core::json::value& one : away->get_array())
    words += (words.empty() ? "nothing is known now of " : "; ") + core::to_json(one);
  return core::fail(core::Errc::kUnavailable, words);
}

}  // namespace sluice::cli
