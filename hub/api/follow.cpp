// SPDX-License-Identifier: Apache-2.0
#include "hub/api/follow.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "hub/api/follower.hpp"

namespace sluice::hub {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::size_t kFollowRows = 1000;  // sent first, unless `limit` says else

struct Follow {
  RowsRequest rows;
  std::string last_id;
};

// What is wrong with a request is said by its status, before the stream begins.
Result<Follow> parse(const FollowApi& parts, const http::Request& request) {
  const auto version = parts.models.serving(request.parameter("model"));
  if (!version) return parts.models.missing(request.parameter("model"));
  const auto& tables = version->tables();
  const auto table = std::find_if(tables.begin(), tables.end(), [&](const auto& each) {
    return each.name == request.parameter("table");
  });
  if (table == tables.end()) return fail(Errc::kNotFound, "the model has no such table", "table");
  Follow out;
  http::Pairs query;
  bool has_limit = false;
  for (const auto& [name, value] : request.query) {
    if (name == "since") {
      out.last_id = value;
      continue;
    }
    for (const char* unfit : {"page", "order", "count", "after", "wait"})
      if (name == unfit) return fail(Errc::kBadRequest, "is not for following", name);
    has_limit |= name == "limit";
    query.emplace_back(name, value);
  }
  if (const auto id = request.header("last-event-id")) out.last_id = *id;
  auto rows = parse_query_params(table->name, query);
  if (!rows) return rows.error();
  out.rows = std::move(*rows);
  if (!has_limit) out.rows.limit = kFollowRows;
  // Whoever keeps rows up to date must know them apart.
  if (!out.rows.fields.empty())
    for (const auto& column : table->columns)
      if (column.key && std::find(out.rows.fields.begin(), out.rows.fields.end(), column.name) ==
                            out.rows.fields.end())
        out.rows.fields.insert(out.rows.fields.begin(), column.name);
  for (const std::string& field : out.rows.fields)
    if (std::none_of(table->columns.begin(), table->columns.end(),
                     [&](const auto& column) { return column.name == field; }))
      return fail(Errc::kBadRequest,
                  "'" + core::printable(field) + "' is no column of " + table->name, "fields");
  if (const auto match = RowMatch::make(*table, out.rows.filters); !match) return match.error();
  return out;
}

}  // namespace

void add_follow_api(Routes& routes, const FollowApi& parts) {
  routes.direct("GET", "/v1/models/{model}/{table}/follow",
                [parts, worker = routes.worker()](const http::Request& request,
                                                  const http::Respond& respond) {
                  auto follow = parse(parts, request);
                  if (!follow) return respond(http::error_response(follow.error()));
                  const auto stream = std::make_shared<http::EventStream>();
                  const auto follower = std::make_shared<Follower>(
                      parts.models, std::string(request.parameter("model")),
                      std::move(follow->rows), std::move(follow->last_id), stream, worker);
                  // The stream keeps its follower, and lets go of it when the client goes.
                  stream->on_change([follower] { follower->wake(); });
                  http::Response response;
                  response.stream = stream;
                  respond(std::move(response));
                  follower->wake();
                });
}

}  // namespace sluice::hub
