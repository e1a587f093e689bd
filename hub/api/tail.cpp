// SPDX-License-Identifier: Apache-2.0
#include "hub/api/tail.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;

namespace {

constexpr std::size_t kWordBytesMax = 256;

Result<TailFilter> filter_of(const http::Request& request) {
  TailFilter filter;
  for (const auto& [name, value] : request.query) {
    std::string* const field = name == "gateway"    ? &filter.gateway
                               : name == "category" ? &filter.category
                               : name == "type"     ? &filter.type
                               : name == "text"     ? &filter.text
                                                    : nullptr;
    if (field == nullptr)
      return fail(Errc::kBadRequest, "unknown parameter; gateway, category, type, text", name);
    if (value.size() > kWordBytesMax) return fail(Errc::kBadRequest, "at most 256 bytes", name);
    *field = value;
  }
  return filter;
}

}  // namespace

void add_tail_api(Routes& routes, Tail& tail) {
  routes.direct("GET", "/v1/tail",
                [&tail](const http::Request& request, const http::Respond& respond) {
                  auto filter = filter_of(request);
                  if (!filter) return respond(http::error_response(filter.error()));
                  auto stream = std::make_shared<http::EventStream>();
                  http::Response response;
                  response.stream = stream;
                  respond(std::move(response));
                  tail.watch(std::move(stream), std::move(*filter));
                });
}

}  // namespace sluice::hub
