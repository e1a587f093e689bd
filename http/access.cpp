// SPDX-License-Identifier: Apache-2.0
#include "http/access.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

#include "core/text.hpp"

namespace sluice::http {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using core::Errc;
using core::fail;

Response with_status(unsigned status, const core::Error& error) {
  Response response = error_response(error);
  if (response.status != status) response.headers.clear();  // they were that status's
  response.status = status;
  return response;
}

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

// "localhost:8080" -> "localhost", "[::1]:8080" -> "::1".
std::string_view host_only(std::string_view authority) {
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    return end == std::string_view::npos ? std::string_view() : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool is_known_host(const Gatekeeper& gatekeeper, const std::vector<std::string>& hosts,
                   std::string_view host) {
  return beast::iequals({host.data(), host.size()}, "localhost") || host == gatekeeper.address ||
         host == "127.0.0.1" || host == "::1" ||
         std::find(hosts.begin(), hosts.end(), host) != hosts.end();
}

}  // namespace

bool token_accepted(const Gatekeeper& gatekeeper, const RequestHeader& header) {
  if (!gatekeeper.is_tcp || gatekeeper.tokens.empty()) return true;
  const std::string_view value = view(header[bhttp::field::authorization]);
  constexpr std::string_view kScheme = "bearer ";
  if (value.size() <= kScheme.size() ||
      !beast::iequals({value.data(), kScheme.size()}, {kScheme.data(), kScheme.size()}))
    return false;
  return gatekeeper.tokens.accepts(value.substr(kScheme.size()));
}

std::optional<Response> check_origin(const Gatekeeper& gatekeeper,
                                     const std::vector<std::string>& hosts,
                                     const RequestHeader& header) {
  if (!gatekeeper.is_tcp) return std::nullopt;
  if (header.version() >= 11 && header.count(bhttp::field::host) != 1)
    return with_status(400, fail(Errc::kBadRequest, "exactly one Host header is needed", "host"));
  const std::string_view host = view(header[bhttp::field::host]);
  if (gatekeeper.check_host && !host.empty() && !is_known_host(gatekeeper, hosts, host_only(host)))
    return with_status(403,
                       fail(Errc::kUnauthorized,
                            "the Host '" + core::printable(host) + "' is not served here", "host"));
  const std::string_view origin = view(header[bhttp::field::origin]);
  const std::size_t scheme_end = origin.find("://");
  if (!origin.empty() &&
      (scheme_end == std::string_view::npos || origin.substr(scheme_end + 3) != host))
    return with_status(
        403, fail(Errc::kUnauthorized,
                  "a page of '" + core::printable(origin) + "' may not ask here", "origin"));
  return std::nullopt;
}

Response router_refusal(const core::Error& error) {
  if (error.code != Errc::kUnsupported) return error_response(error);
  Response response = with_status(405, fail(error.code, error.message, "method"));
  response.headers.emplace_back("Allow", error.field);
  return response;
}

Response parse_refusal(boost::system::error_code why, const ServerSettings& settings) {
  if (why == bhttp::error::body_limit)
    return with_status(
        413, fail(Errc::kTooLarge,
                  "the body has more than " + std::to_string(settings.body_bytes_max) + " bytes"));
  if (why == bhttp::error::header_limit)
    return with_status(
        431, fail(Errc::kTooLarge, "the header has more than " +
                                       std::to_string(settings.header_bytes_max) + " bytes"));
  if (why == bhttp::error::partial_message)
    return with_status(400, fail(Errc::kBadRequest, "the request ends before its body does"));
  return with_status(400, fail(Errc::kBadRequest, "not HTTP: " + why.message()));
}

}  // namespace sluice::http
