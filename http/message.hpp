// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace sluice::http {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// A whole request, its body within the server's limit.
struct Request {
  std::string method;        // "GET", "POST" ...
  std::string path;          // as sent, without the query: "/v1/streams/pump/7"
  Pairs query;               // percent-decoded, in order
  Pairs parameters;          // of the route's pattern, percent-decoded: {category}, {entity}
  Pairs headers;             // names in lower case, except Authorization, which never gets here
  std::string content_type;  // lower case, without parameters: "application/x-ndjson"
  std::string body;
  std::string peer;  // "unix uid=0 pid=12" or "127.0.0.1:5234", for logs
  // Becomes true when the client ends its side of the connection before it has the answer. It may
  // still read (a half-closed connection), but few do.
  std::shared_ptr<const std::atomic<bool>> gone = {};

  std::optional<std::string_view> query_value(std::string_view name) const;  // the first
  std::string_view parameter(std::string_view name) const;                   // must exist
  std::optional<std::string_view> header(std::string_view lower_case_name) const;
};

class EventStream;

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  Pairs headers = {};
  // Set: the body is what is written to it, for as long as it goes on (event_stream.hpp), and
  // `body` and `content_type` do not count.
  std::shared_ptr<EventStream> stream = {};
};

// {"error": {code, message, field?, current?}} with the status that fits the class:
// bad_request 400, unauthorized 401, not_found 404, version_conflict and id_conflict 409,
// too_large 413, unsupported 501, limit 507, busy and unavailable 503, anything else 500.
Response error_response(const core::Error& error);
unsigned status_of(core::Errc code);

// Call it once, from any thread, at any later time; a second call is ignored. If it is dropped
// without a call, the client gets 500.
using Respond = std::function<void(Response)>;
// Called on the server's thread: return at once, and answer through `respond` when ready.
using Handler = std::function<void(Request request, Respond respond)>;

}  // namespace sluice::http
