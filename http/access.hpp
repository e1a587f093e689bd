// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "http/session.hpp"

// Who may ask, and in which words others are refused. Pure. Internal to http.
namespace sluice::http {

using RequestHeader = boost::beast::http::request_header<>;

bool token_accepted(const Gatekeeper& gatekeeper, const RequestHeader& header);

// A web page that somebody on this machine looks at can make the browser ask a server on loopback,
// under a name of its own (DNS rebinding) or across sites: both are refused.
std::optional<Response> check_origin(const Gatekeeper& gatekeeper,
                                     const std::vector<std::string>& hosts,
                                     const RequestHeader& header);

Response router_refusal(const core::Error& error);  // 404, 405 with Allow, 400
Response parse_refusal(boost::system::error_code why, const ServerSettings& settings);

}  // namespace sluice::http
