// SPDX-License-Identifier: Apache-2.0
#include "http/message.hpp"

#include "core/assert.hpp"
#include "core/json.hpp"

namespace sluice::http {
namespace {

std::optional<std::string_view> first(const Pairs& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs)
    if (key == name) return value;
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> Request::query_value(std::string_view name) const {
  return first(query, name);
}

std::optional<std::string_view> Request::header(std::string_view lower_case_name) const {
  return first(headers, lower_case_name);
}

std::string_view Request::parameter(std::string_view name) const {
  const auto value = first(parameters, name);
  SLUICE_ASSERT(value.has_value());
  return *value;
}

unsigned status_of(core::Errc code) {
  switch (code) {
    case core::Errc::kBadRequest:
      return 400;
    case core::Errc::kUnauthorized:
      return 401;
    case core::Errc::kNotFound:
      return 404;
    case core::Errc::kVersionConflict:
    case core::Errc::kIdConflict:
      return 409;
    case core::Errc::kTooLarge:
      return 413;
    case core::Errc::kUnsupported:
      return 501;
    case core::Errc::kLimit:
      return 507;
    case core::Errc::kBusy:
    case core::Errc::kUnavailable:
      return 503;
    case core::Errc::kCorrupt:
    case core::Errc::kIo:
    case core::Errc::kConfig:
    case core::Errc::kInternal:
      return 500;
  }
  return 500;
}

Response error_response(const core::Error& error) {
  Response response;
  response.status = status_of(error.code);
  response.body = core::to_json(core::error_document(error)) + "\n";
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace sluice::http
