// SPDX-License-Identifier: Apache-2.0
#include "hub/api/query_params.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/text.hpp"
#include "core/write_token.hpp"

namespace sluice::hub {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using projection::QueryFilter;
using projection::QueryRequest;
using Op = QueryFilter::Op;

constexpr std::size_t kFiltersMax = 32;
constexpr std::size_t kColumnsMax = 64;
constexpr std::size_t kTokensMax = 32;

struct Word {
  std::string_view text;
  Op op;
};
// Longer signs first, so that "<=" is not read as "<" with a value "=...".
constexpr std::array<Word, 6> kSigns = {{{"!=", Op::kNe},
                                         {"<=", Op::kLe},
                                         {">=", Op::kGe},
                                         {"=", Op::kEq},
                                         {"<", Op::kLt},
                                         {">", Op::kGt}}};
constexpr std::array<Word, 9> kSuffixes = {{{"__eq", Op::kEq},
                                            {"__ne", Op::kNe},
                                            {"__lt", Op::kLt},
                                            {"__le", Op::kLe},
                                            {"__gt", Op::kGt},
                                            {"__ge", Op::kGe},
                                            {"__in", Op::kIn},
                                            {"__prefix", Op::kPrefix},
                                            {"__contains", Op::kContains}}};

// "a,b\,c" -> "a" and "b,c".
std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size())
      out.back() += text[++i];
    else if (text[i] == ',')
      out.emplace_back();
    else
      out.back() += text[i];
  }
  return out;
}

Result<QueryFilter> parse_where(std::string_view text) {
  const std::size_t at = text.find_first_of("!<>=");
  if (at != 0 && at != std::string_view::npos)
    for (const Word& sign : kSigns)
      if (text.substr(at).starts_with(sign.text))
        return QueryFilter{std::string(text.substr(0, at)), sign.op,
                           std::string(text.substr(at + sign.text.size()))};
  return fail(Errc::kBadRequest, "'" + core::printable(text) + "' is not COLUMN=VALUE", "where");
}

Result<QueryFilter> parse_column(std::string_view name, std::string_view value) {
  constexpr std::string_view kNull = "__null";
  if (name.size() > kNull.size() && name.ends_with(kNull)) {
    if (value != "true" && value != "false")
      return fail(Errc::kBadRequest, "must be true or false", std::string(name));
    return QueryFilter{std::string(name.substr(0, name.size() - kNull.size())),
                       value == "true" ? Op::kIsNull : Op::kNotNull,
                       {}};
  }
  for (const Word& suffix : kSuffixes)
    if (name.size() > suffix.text.size() && name.ends_with(suffix.text)) {
      QueryFilter out{std::string(name.substr(0, name.size() - suffix.text.size())), suffix.op,
                      std::string(value)};
      if (out.op == Op::kIn) out.values = list_of(value);
      return out;
    }
  return QueryFilter{std::string(name), Op::kEq, std::string(value)};
}

// "250ms", "2s", "1min"
Result<std::chrono::milliseconds> parse_time_span(std::string_view name, std::string_view text,
                                                  std::chrono::milliseconds most) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const std::int64_t factor = unit == "ms" ? 1 : unit == "s" ? 1000 : unit == "min" ? 60'000 : 0;
  if (error != std::errc{} || factor == 0 || number < 0 || number > most.count() / factor)
    return fail(Errc::kBadRequest,
                "must be a time as 250ms or 2s, at most " + std::to_string(most.count()) + "ms",
                std::string(name));
  return std::chrono::milliseconds(number * factor);
}

Result<void> add_tokens(std::string_view text, QueryRequest& out) {
  for (const std::string_view each : core::split(text, ',')) {
    auto token = core::parse_write_token(each);
    if (!token) return fail(Errc::kBadRequest, token.error().message, "after");
    if (out.after.size() >= kTokensMax)
      return fail(Errc::kBadRequest, "more than " + std::to_string(kTokensMax) + " tokens",
                  "after");
    out.after.push_back(std::move(*token));
  }
  return {};
}

Result<std::size_t> parse_limit(std::string_view text) {
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc{} || end != text.data() + text.size() || limit < 1 || limit > kRowsMax)
    return fail(Errc::kBadRequest, "must be a number from 1 to " + std::to_string(kRowsMax),
                "limit");
  return limit;
}

// A parameter that has one value: given again, one of the two would be ignored.
bool has_one_value(std::string_view name) {
  constexpr std::array<std::string_view, 5> kSingle = {"limit", "page", "count", "wait",
                                                       "deadline"};
  return std::find(kSingle.begin(), kSingle.end(), name) != kSingle.end();
}

Result<void> check_given_once(const http::Pairs& query) {
  for (auto at = query.begin(); at != query.end(); ++at)
    if (has_one_value(at->first) && std::any_of(query.begin(), at, [&](const auto& before) {
          return before.first == at->first;
        }))
      return fail(Errc::kBadRequest, "is given twice: give it once", at->first);
  return {};
}

Result<void> add_order(std::string_view text, QueryRequest& out) {
  for (std::string_view name : core::split(text, ',')) {
    const bool descending = name.starts_with('-');
    if (descending) name.remove_prefix(1);
    if (name.empty() || out.order.size() >= kColumnsMax)
      return fail(Errc::kBadRequest, "must be columns with commas between, '-' for descending",
                  "order");
    out.order.push_back({std::string(name), descending});
  }
  return {};
}

Result<void> add_fields(std::string_view text, QueryRequest& out) {
  for (const std::string_view name : core::split(text, ',')) {
    if (name.empty() || out.fields.size() >= kColumnsMax)
      return fail(Errc::kBadRequest, "must be columns with commas between", "fields");
    if (std::find(out.fields.begin(), out.fields.end(), name) != out.fields.end())
      return fail(Errc::kBadRequest, "names '" + core::printable(name) + "' twice", "fields");
    out.fields.emplace_back(name);
  }
  return {};
}

Result<void> add_filter(std::string_view name, std::string_view value, QueryRequest& out) {
  auto filter = name == "where" ? parse_where(value) : parse_column(name, value);
  if (!filter) return filter.error();
  if (out.filters.size() >= kFiltersMax)
    return fail(Errc::kBadRequest, "more than " + std::to_string(kFiltersMax) + " conditions",
                "where");
  out.filters.push_back(std::move(*filter));
  return {};
}

Result<void> add_parameter(std::string_view name, std::string_view value, RowsRequest& out) {
  if (name == "limit") {
    const auto limit = parse_limit(value);
    if (!limit) return limit.error();
    out.limit = *limit;
  } else if (name == "page") {
    out.cursor = value;
  } else if (name == "order") {
    return add_order(value, out);
  } else if (name == "fields") {
    return add_fields(value, out);
  } else if (name == "count") {
    if (value != "true" && value != "false")
      return fail(Errc::kBadRequest, "must be true or false", "count");
    out.count = value == "true";
  } else if (name == "after") {
    return add_tokens(value, out);
  } else if (name == "wait" || name == "deadline") {
    const bool is_wait = name == "wait";
    const auto time = parse_time_span(name, value, is_wait ? kWaitMax : kDeadlineMax);
    if (!time) return time.error();
    (is_wait ? out.wait : out.deadline) = *time;
  } else {
    return add_filter(name, value, out);
  }
  return {};
}

}  // namespace

bool is_parameter(std::string_view name) {
  constexpr std::array<std::string_view, 9> kNames = {"where", "order", "fields", "limit",   "page",
                                                      "count", "after", "wait",   "deadline"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

Result<RowsRequest> parse_query_params(std::string_view table, const http::Pairs& query) {
  RowsRequest out;
  out.table = table;
  out.limit = kRowsDefault;
  SLUICE_TRY(check_given_once(query));
  for (const auto& [name, value] : query) SLUICE_TRY(add_parameter(name, value, out));
  return out;
}

}  // namespace sluice::hub
