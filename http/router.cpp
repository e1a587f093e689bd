// SPDX-License-Identifier: Apache-2.0
#include "http/router.hpp"

#include "core/text.hpp"

namespace sluice::http {
namespace {

using core::Errc;
using core::fail;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_name(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path) {
  if (pattern.size() != path.size()) return false;
  for (std::size_t i = 0; i < path.size(); ++i)
    if (is_name(pattern[i]) ? path[i].empty() : pattern[i] != path[i]) return false;
  return true;
}

}  // namespace

core::Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' && plus_is_space ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return fail(Errc::kBadRequest, "'" + core::printable(text) + "' has a broken %-escape");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

core::Result<Pairs> parse_query(std::string_view query) {
  Pairs pairs;
  if (query.empty()) return pairs;
  for (const std::string_view part : core::split(query, '&')) {
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals), true);
    auto value = percent_decode(
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1), true);
    if (!name) return name.error();
    if (!value) return value.error();
    pairs.emplace_back(std::move(*name), std::move(*value));
  }
  return pairs;
}

void Router::add(std::string_view method, std::string_view pattern, Handler handler, bool open) {
  Route route{std::string(method), {}, std::move(handler), open};
  for (const std::string_view segment : core::split(pattern, '/'))
    route.segments.emplace_back(segment);
  routes_.push_back(std::move(route));
}

core::Result<Router::Match> Router::find(std::string_view method, std::string_view path) const {
  const auto segments = core::split(path, '/');
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  std::string allowed;
  for (const Route& route : routes_) {
    if (!fits(route.segments, segments)) continue;
    if (route.method != wanted) {
      allowed += (allowed.empty() ? "" : ", ") + route.method;
      continue;
    }
    Match match{&route.handler, route.open, {}};
    for (std::size_t i = 0; i < segments.size(); ++i) {
      if (!is_name(route.segments[i])) continue;
      auto value = percent_decode(segments[i]);
      if (!value) return value.error();
      match.parameters.emplace_back(route.segments[i].substr(1, route.segments[i].size() - 2),
                                    std::move(*value));
    }
    return match;
  }
  if (!allowed.empty()) return fail(Errc::kUnsupported, "this path takes " + allowed, allowed);
  return fail(Errc::kNotFound, "there is nothing at " + core::printable(path));
}

}  // namespace sluice::http
