// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/router.hpp"

namespace sluice::hub {

// Runs functions on threads that may block. Neither waits; a program that ends forgets what was not
// begun.
struct Worker {
  std::function<void(std::function<void()>)> now;
  std::function<void(std::chrono::milliseconds, std::function<void()>)> later;
  std::function<bool()> ending = {};  // the program is: who waits should answer
  // As `now`, on threads of their own: for what waits for no database.
  std::function<void(std::function<void()>)> prompt = {};
  std::function<void(std::chrono::milliseconds, std::function<void()>)> prompt_later = {};
};

// The API's routes while they are put together. An answer may block for as long as a database does:
// it runs on a worker thread, several at once. Whatever it needs must live as long as the router.
class Routes {
 public:
  using Answer = std::function<http::Response(const http::Request&)>;
  enum class Access { kToken, kOpen };  // kOpen: also without a token, where tokens are set

  Routes(http::Router& router, Worker work) : router_(router), work_(std::move(work)) {}

  void get(std::string_view pattern, Answer answer, Access access = Access::kToken);
  void post(std::string_view pattern, Answer answer);
  // GET; for an answer that waits for no database, and is not to wait for those that do.
  void report(std::string_view pattern, Answer answer, Access access = Access::kToken);
  // For an answer that waits or flows: `handler` runs on the server's thread and returns at once.
  void direct(std::string_view method, std::string_view pattern, http::Handler handler,
              Access access = Access::kToken);

  const Worker& worker() const { return work_; }
  // "GET /v1/models/{model}", in the order of adding; also those that come later. Each must be in
  // the OpenAPI document.
  std::shared_ptr<const std::vector<std::string>> added() const { return added_; }

 private:
  http::Router& router_;
  Worker work_;
  std::shared_ptr<std::vector<std::string>> added_ = std::make_shared<std::vector<std::string>>();
};

// A JSON document with status 200.
http::Response json_response(std::string document);

// For each request that changes something: sent as application/json, and by no other site's page
// (a browser says Origin; a foreign page must not reach this). kBadRequest, kUnauthorized.
core::Result<void> check_sender(const http::Request& request);

// A parameter that nobody looks at would narrow nothing, without a word. kBadRequest.
core::Result<void> check_parameters(const http::Request& request,
                                    std::initializer_list<std::string_view> known);

}  // namespace sluice::hub
