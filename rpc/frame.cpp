// SPDX-License-Identifier: Apache-2.0
#include "rpc/frame.hpp"

#include "rpc/pack.hpp"

namespace sluice::rpc {

std::string encode_request(std::uint32_t id, std::string_view method, std::string_view params) {
  Packer out;
  out.array(4).integer(0).integer(id).text(method).raw(params);
  return out.take();
}

std::string encode_notification(std::string_view method, std::string_view params) {
  Packer out;
  out.array(3).integer(2).text(method).raw(params);
  return out.take();
}

std::string encode_result(std::uint32_t id, std::string_view result) {
  Packer out;
  out.array(4).integer(1).integer(id).nil().raw(result);
  return out.take();
}

std::string encode_error(std::uint32_t id, const core::Error& error) {
  Packer out;
  out.array(4).integer(1).integer(id).raw(encode_error_map(error)).nil();
  return out.take();
}

std::string encode_error_map(const core::Error& error) {
  const bool has_field = !error.field.empty();
  const bool has_current = error.code == core::Errc::kVersionConflict;
  Packer out;
  out.map(2 + (has_field ? 1u : 0u) + (has_current ? 1u : 0u));
  out.text("code").text(core::error_word(error.code)).text("message").text(error.message);
  if (has_field) out.text("field").text(error.field);
  if (has_current) out.text("current").integer(error.current);
  return out.take();
}

core::Error decode_error(const Value& error) {
  if (const auto text = error.text()) return core::fail(core::Errc::kInternal, std::string(*text));
  const auto word = error.find("code").text();
  if (!word) return core::fail(core::Errc::kInternal, "the peer answered an error of unknown form");
  core::Error decoded;
  decoded.code = core::error_from_word(*word);
  decoded.message = error.find("message").text().value_or("no message");
  decoded.field = error.find("field").text().value_or("");
  decoded.current = error.find("current").integer().value_or(0);
  return decoded;
}

}  // namespace sluice::rpc
