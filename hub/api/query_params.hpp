// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "core/result.hpp"
#include "http/message.hpp"
#include "projection/query/query.hpp"

namespace sluice::hub {

inline constexpr std::size_t kRowsDefault = 100;
inline constexpr std::size_t kRowsMax = 10'000;

inline constexpr std::chrono::milliseconds kDeadlineMax{10'000};
inline constexpr std::chrono::milliseconds kWaitMax{30'000};

struct RowsRequest : projection::QueryRequest {
  std::chrono::milliseconds wait{0};  // for all of `after`
  std::chrono::milliseconds deadline = kDeadlineMax;
};

// Whether a column of this name can be filtered with `where` only.
bool is_parameter(std::string_view name);

// The parameters of GET /v1/models/{model}/{table}:
//   where=COL=VAL (also != < <= > >=), COL=VAL, COL__OP=VAL with eq ne lt le gt ge prefix contains,
//   COL__in=VAL,VAL (a comma within a value is "\\,"), COL__null=true|false; order=COL,-COL;
//   fields=COL,COL; limit=N; page=CURSOR; count=true; after=TOKEN,TOKEN; wait=2s; deadline=500ms.
// All filters must hold. limit, page, count, wait and deadline may stand once, and a column once in
// fields. A column named like a parameter is reached with `where`. Pure. Names of
// columns are not checked here. kBadRequest with the parameter as field.
core::Result<RowsRequest> parse_query_params(std::string_view table, const http::Pairs& query);

}  // namespace sluice::hub
