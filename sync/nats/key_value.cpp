// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/key_value.hpp"

#include "core/json.hpp"

namespace sluice::nats {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

namespace {
constexpr std::int64_t kWrongLastSequence = 10071;
}

Result<std::uint64_t> put_if(Connection& connection, const std::string& subject,
                             std::string_view value, std::uint64_t expected,
                             std::chrono::milliseconds timeout) {
  const auto answer = connection.request(
      subject, value, timeout, {{"Nats-Expected-Last-Subject-Sequence", std::to_string(expected)}});
  if (!answer) return answer.error();
  const auto parsed = core::parse_json(answer->payload());
  if (!parsed || !parsed->is_object())
    return fail(Errc::kIo, "JetStream's answer on " + subject + " is not a JSON object");
  const json::object& ack = parsed->as_object();
  if (const json::value* error = ack.if_contains("error"); error != nullptr && error->is_object()) {
    const json::value* code = error->as_object().if_contains("err_code");
    if (code != nullptr && code->is_int64() && code->as_int64() == kWrongLastSequence)
      return fail(Errc::kVersionConflict, subject + " was written by somebody else");
    return fail(Errc::kIo, "JetStream refuses " + subject + ": " + core::to_json(*error));
  }
  const json::value* sequence = ack.if_contains("seq");
  if (sequence == nullptr || !sequence->is_int64() || sequence->as_int64() <= 0)
    return fail(Errc::kIo, "JetStream's answer on " + subject + " names no sequence");
  return static_cast<std::uint64_t>(sequence->as_int64());
}

}  // namespace sluice::nats
