// SPDX-License-Identifier: Apache-2.0
#include "hub/deeds/operator_words.hpp"

#include "core/json.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;

namespace {

constexpr std::size_t kReasonBytesMax = 500;

}  // namespace

core::Result<void> check_reason(std::string_view reason) {
  if (reason.empty() || reason.size() > kReasonBytesMax)
    return fail(Errc::kBadRequest, "say why, in 1 to 500 bytes", "reason");
  if (reason.find('\0') != std::string_view::npos)
    return fail(Errc::kBadRequest, "a reason is text without U+0000", "reason");
  return {};
}

core::Result<void> check_no_words(std::string_view body) {
  if (body.empty()) return {};
  const auto parsed = core::parse_json(body);
  if (!parsed) return parsed.error();
  if (!parsed->is_object()) return fail(Errc::kBadRequest, "the body must be {}, or nothing");
  if (!parsed->get_object().empty())
    return fail(Errc::kBadRequest, "unknown field: the body must be {}, or nothing",
                std::string(parsed->get_object().begin()->key()));
  return {};
}

}  // namespace sluice::hub
