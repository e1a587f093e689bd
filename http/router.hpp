// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "http/message.hpp"

namespace sluice::http {

// Finds the handler of a path. Patterns are literal segments and {names}: "/v1/streams/{category}/
// {entity}". A path is split at '/' first and percent-decoded afterwards, so "%2F" belongs to a
// segment. Pure.
class Router {
 public:
  // `open`: reachable without a token even where tokens are demanded (health checks).
  void add(std::string_view method, std::string_view pattern, Handler handler, bool open = false);

  struct Match {
    const Handler* handler = nullptr;
    bool open = false;
    Pairs parameters;
  };
  // kNotFound: no such path. kUnsupported: the path exists for other methods ("allow" lists them in
  // Error::field). kBadRequest: bad percent-escape. HEAD is answered by GET's handler.
  core::Result<Match> find(std::string_view method, std::string_view path) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Handler handler;
    bool open = false;
  };
  std::vector<Route> routes_;
};

// "%2F" -> "/"; '+' is a space only in a query. kBadRequest for a broken escape.
core::Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
std::string percent_encode(std::string_view text);  // everything but A-Z a-z 0-9 - _ . ~
core::Result<Pairs> parse_query(std::string_view query);

}  // namespace sluice::http
