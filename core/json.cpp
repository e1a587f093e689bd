// SPDX-License-Identifier: Apache-2.0
#include "core/json.hpp"

#include <boost/json/src.hpp>

namespace sluice::core {

Result<json::value> parse_json(std::string_view text) {
  boost::system::error_code error;
  json::stream_parser parser;
  const std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  if (!error && text.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
    error = json::error::extra_data;
  if (error)
    return fail(Errc::kBadRequest,
                "not JSON at byte " + std::to_string(used) + ": " + error.message());
  return parser.release();
}

std::string to_json(const json::value& value) {
  return json::serialize(value);
}

json::object error_document(const Error& error) {
  json::object body{{"code", error_word(error.code)}, {"message", error.message}};
  if (!error.field.empty()) body["field"] = error.field;
  if (error.code == Errc::kVersionConflict) body["current"] = error.current;
  return {{"error", std::move(body)}};
}

}  // namespace sluice::core
