// SPDX-License-Identifier: Apache-2.0
#include "gateway/http_api.hpp"

#include <charconv>
#include <set>

#include "core/codec/json_data.hpp"
#include "core/text.hpp"
#include "gateway/answers.hpp"
#include "gateway/http_append.hpp"

namespace sluice::gateway {
namespace {

using core::Errc;
using core::fail;
using http::Request;
using http::Respond;
using http::Response;

constexpr std::uint64_t kReadLimit = 100;

core::Result<std::uint64_t> number_of(const Request& request, std::string_view name,
                                      std::uint64_t standard, std::uint64_t most) {
  const auto text = request.query_value(name);
  if (!text) return standard;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size() || number < 1 || number > most)
    return fail(Errc::kBadRequest,
                std::string(name) + " is a number from 1 to " + std::to_string(most),
                std::string(name));
  return number;
}

core::Result<core::StreamName> stream_of(const Request& request) {
  core::StreamName stream{std::string(request.parameter("category")),
                          std::string(request.parameter("entity"))};
  for (const auto& [checked, field] : {std::pair{core::check_category(stream.category), "category"},
                                       std::pair{core::check_entity(stream.entity), "entity"}}) {
    if (checked) continue;
    core::Error error = checked.error();
    error.field = field;
    return error;
  }
  return stream;
}

void read_stream(LogDesk& desk, const Request& request, const Respond& respond) {
  for (const auto& [name, value] : request.query)
    if (name != "from" && name != "limit")
      return respond(http::error_response(
          fail(Errc::kBadRequest, "only from and limit are known", core::printable(name))));
  auto stream = stream_of(request);
  if (!stream) return respond(http::error_response(stream.error()));
  const auto from = number_of(request, "from", 1, INT64_MAX);
  if (!from) return respond(http::error_response(from.error()));
  const auto limit = number_of(request, "limit", kReadLimit, core::limits::kReaderRows);
  if (!limit) return respond(http::error_response(limit.error()));
  desk.reader().stream(std::move(*stream), *from, *limit, [respond](core::Result<Page> page) {
    const auto text = page ? json_page(*page) : core::Result<std::string>(page.error());
    if (!text) return respond(http::error_response(text.error()));
    respond({.body = *text});
  });
}

Response plain(unsigned status, std::string text) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(text)};
}

}  // namespace

http::Router make_router(AckDesk& acks, const Status& status) {
  LogDesk& desk = acks.log_desk();
  http::Router router;
  router.add("POST", "/v1/events", [&acks](Request request, const Respond& respond) {
    append_events(acks, std::move(request), respond);
  });
  router.add("GET", "/v1/streams/{category}/{entity}",
             [&desk](const Request& request, const Respond& respond) {
               read_stream(desk, request, respond);
             });
  router.add("GET", "/v1/status", [&status](const Request&, const Respond& respond) {
    Response response;
    codec::data_to_json(status.map(), response.body);
    response.body += '\n';
    respond(std::move(response));
  });
  router.add("GET", "/metrics", [&status](const Request&, const Respond& respond) {
    respond({.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = status.metrics()});
  });
  const auto health = [&status](const Request&, const Respond& respond) {
    const std::string failure = status.failure();
    respond(failure.empty() ? plain(200, "ok\n") : plain(503, failure + "\n"));
  };
  const auto ready = [&desk, &status](const Request&, const Respond& respond) {
    const std::string failure = status.failure();
    if (!desk.is_open()) return respond(plain(503, "the log is not open yet\n"));
    respond(failure.empty() ? plain(200, "ready\n") : plain(503, failure + "\n"));
  };
  // Health says nothing that a token would have to protect.
  router.add("GET", "/healthz", health, true);
  router.add("GET", "/readyz", ready, true);
  return router;
}

}  // namespace sluice::gateway
