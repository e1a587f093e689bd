// SPDX-License-Identifier: Apache-2.0
#include "hub/page.hpp"

#include <string>

namespace sluice::hub {
namespace {

std::string content_type(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "text/javascript; charset=utf-8";
}

http::Response page_response(const PageFile& file) {
  http::Response response;
  response.content_type = content_type(file.name);
  response.body = file.content;
  response.headers = {
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
       "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cache-Control", "no-cache"},
  };
  return response;
}

}  // namespace

void add_page(http::Router& router) {
  for (const PageFile& file : page_files()) {
    const auto answer = [file](const http::Request&, const http::Respond& respond) {
      respond(page_response(file));
    };
    router.add("GET", "/" + std::string(file.name), answer, true);
    if (file.name == "index.html") router.add("GET", "/", answer, true);
  }
}

}  // namespace sluice::hub
