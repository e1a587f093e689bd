// SPDX-License-Identifier: Apache-2.0
#pragma once

// JSON for the program's own documents (API answers, CLI output, JetStream's API): Boost.JSON.
// An event's data never goes through this tree: codec/json_data keeps every bit of it.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace sluice::core {

namespace json = boost::json;

// kBadRequest with the byte offset in the message. Depth is capped at 32.
Result<json::value> parse_json(std::string_view text);
std::string to_json(const json::value& value);

// {"error": {"code": "...", "message": "...", "field": "...", "current": N}}
json::object error_document(const Error& error);

}  // namespace sluice::core
