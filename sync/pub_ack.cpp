// SPDX-License-Identifier: Apache-2.0
#include "sync/pub_ack.hpp"

#include <array>

#include "core/json.hpp"
#include "core/text.hpp"

namespace sluice::sync {

namespace {

constexpr int kMessageTooLarge = 10054;
constexpr std::array kWrongStream = {10060, 10059, 10076, 10039};  // mismatch, gone, JetStream off

// "{"stream":"EVENTS-main","seq":42,"duplicate": true}" is nearly all that ever comes, and one
// comes for each event, so the usual form is read without building a tree.
bool read_fast(std::string_view text, PubAck& out) {
  const auto at = text.find("\"seq\":");
  if (!text.starts_with("{\"stream\":\"") || at == std::string_view::npos) return false;
  std::uint64_t seq = 0;
  std::size_t i = at + 6;
  while (i < text.size() && text[i] == ' ') ++i;
  const std::size_t digits = i;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9' && i < digits + 19; ++i)
    seq = seq * 10 + static_cast<std::uint64_t>(text[i] - '0');
  if (i == digits || seq == 0) return false;
  out.hub_seq = seq;
  const auto rest = text.substr(i);
  out.duplicate = rest.find("\"duplicate\":true") != std::string_view::npos ||
                  rest.find("\"duplicate\": true") != std::string_view::npos;
  return true;
}

std::int64_t number(const core::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return 0;
  if (const auto* positive = value->if_uint64()) return static_cast<std::int64_t>(*positive);
  const auto* integer = value->if_int64();
  return integer == nullptr ? 0 : *integer;
}

Refusal classify(int code, int err_code) {
  if (err_code == kMessageTooLarge) return Refusal::kSetAside;
  for (int wrong : kWrongStream)
    if (err_code == wrong) return Refusal::kSession;
  return code == 404 ? Refusal::kSession : Refusal::kRetry;
}

PubAnswer refused(Refusal refusal, int code, int err_code, std::string words) {
  return {false, {}, {refusal, code, err_code, std::move(words)}};
}

}  // namespace

PubAnswer parse_pub_answer(int status, std::string_view payload) {
  if (status == 503)
    return refused(Refusal::kSession, 503, 0, "no hub stream takes this subject (no responders)");
  if (status != 0) return refused(Refusal::kRetry, status, 0, "status " + std::to_string(status));
  PubAnswer answer;
  if (payload.find("\"error\"") == std::string_view::npos && read_fast(payload, answer.ack)) {
    answer.ok = true;
    return answer;
  }
  const auto document = core::parse_json(payload);
  const auto* object = document ? document->if_object() : nullptr;
  const auto unreadable = "unreadable answer: " + core::printable(payload);
  if (object == nullptr) return refused(Refusal::kRetry, 0, 0, unreadable);
  if (const auto* error = object->if_contains("error"); error != nullptr && error->is_object()) {
    const auto& found = error->get_object();
    const int code = static_cast<int>(number(found, "code"));
    const int err_code = static_cast<int>(number(found, "err_code"));
    std::string words = "refused";
    if (const auto* text = found.if_contains("description"); text != nullptr && text->is_string())
      words = std::string(text->get_string());
    return refused(classify(code, err_code), code, err_code, std::move(words));
  }
  answer.ack.hub_seq = static_cast<std::uint64_t>(number(*object, "seq"));
  const auto* duplicate = object->if_contains("duplicate");
  answer.ack.duplicate = duplicate != nullptr && duplicate->is_bool() && duplicate->get_bool();
  if (answer.ack.hub_seq == 0) return refused(Refusal::kRetry, 0, 0, unreadable);
  answer.ok = true;
  return answer;
}

}  // namespace sluice::sync
