// SPDX-License-Identifier: Apache-2.0
#include "hub/routes/routes.hpp"

#include <algorithm>

namespace sluice::hub {

using core::Errc;
using core::fail;

namespace {

http::Handler on(std::function<void(std::function<void()>)> threads, Routes::Answer answer) {
  return [threads = std::move(threads), answer = std::move(answer)](http::Request request,
                                                                    http::Respond respond) {
    threads([answer, request = std::move(request), respond = std::move(respond)] {
      respond(answer(request));
    });
  };
}

}  // namespace

void Routes::get(std::string_view pattern, Answer answer, Access access) {
  direct("GET", pattern, on(work_.now, std::move(answer)), access);
}

void Routes::post(std::string_view pattern, Answer answer) {
  direct("POST", pattern, on(work_.now, std::move(answer)));
}

void Routes::report(std::string_view pattern, Answer answer, Access access) {
  direct("GET", pattern, on(work_.prompt, std::move(answer)), access);
}

void Routes::direct(std::string_view method, std::string_view pattern, http::Handler handler,
                    Access access) {
  router_.add(method, pattern, std::move(handler), access == Access::kOpen);
  added_->push_back(std::string(method) + " " + std::string(pattern));
}

http::Response json_response(std::string document) {
  http::Response response;
  response.body = std::move(document);
  return response;
}

core::Result<void> check_parameters(const http::Request& request,
                                    std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : request.query) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string words = "unknown parameter: this takes none";
    if (known.size() > 0) {
      words = "unknown parameter: this takes ";
      for (const std::string_view one : known)
        words += (one == *known.begin() ? "" : ", ") + std::string(one);
    }
    return fail(Errc::kBadRequest, words, name);
  }
  return {};
}

core::Result<void> check_sender(const http::Request& request) {
  if (request.content_type != "application/json")
    return fail(Errc::kBadRequest, "send it as application/json", "content-type");
  const auto origin = request.header("origin");
  const auto host = request.header("host");
  if (origin && (!host || *origin != "http://" + std::string(*host)))
    return fail(Errc::kUnauthorized, "a page of another site may not ask for this", "origin");
  return {};
}

}  // namespace sluice::hub
