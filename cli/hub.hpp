// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/json.hpp"
#include "core/result.hpp"

// The hub's end: sluice-hub's HTTP API.
namespace sluice::cli {

// One connection to a hub, whose answers are JSON documents. Errors are those of the hub, or
// kUnavailable with the address and the next step.
class Hub {
 public:
  explicit Hub(std::string url) : url_(std::move(url)) {}
  core::Result<core::json::value> get(const std::string& target) const;
  core::Result<core::json::value> post(const std::string& target,
                                       const core::json::value& document) const;

 private:
  std::string url_;
};

// What an answer about all models cannot tell: kUnavailable that names each model whose database is
// away, with the reason.
core::Result<void> all_answered(const core::json::object& document);

}  // namespace sluice::cli
