// SPDX-License-Identifier: Apache-2.0
#include "hub/page.hpp"

#include <string>

#include "core/hash.hpp"
#include "core/text.hpp"

namespace sluice::hub {
namespace {

std::string content_type(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "text/javascript; charset=utf-8";
}

// What a browser may do with this page: load its own files and ask its own origin, and nothing
// else. Texts of devices could not run even if they got into the document: trusted-types 'none'
// refuses every way of turning text into markup or code.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

std::string etag_of(std::string_view content) {
  const core::ChainHash hash = core::chain_next({}, content);
  return '"' + core::to_hex({reinterpret_cast<const char*>(hash.data()), 16}) + '"';
}

// One copy for the life of the program; a browser asks each time, and is told that nothing changed.
http::Response page_response(const PageFile& file, const std::string& etag,
                             const http::Request& request) {
  http::Response response;
  response.content_type = content_type(file.name);
  response.headers = {
      {"Content-Security-Policy", kPolicy},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Permissions-Policy", "camera=(), microphone=(), geolocation=()"},
      {"Cache-Control", "no-cache"},
      {"ETag", etag},
  };
  if (request.header("if-none-match") == etag)
    response.status = 304;
  else
    response.body = file.content;
  return response;
}

}  // namespace

void add_page(http::Router& router) {
  for (const PageFile& file : page_files()) {
    const auto answer = [file, etag = etag_of(file.content)](const http::Request& request,
                                                             const http::Respond& respond) {
      respond(page_response(file, etag, request));
    };
    router.add("GET", "/" + std::string(file.name), answer, true);
    if (file.name == "index.html") router.add("GET", "/", answer, true);
  }
}

}  // namespace sluice::hub
