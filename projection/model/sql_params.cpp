// SPDX-License-Identifier: Apache-2.0
#include "projection/model/sql_params.hpp"

#include <algorithm>

namespace sluice::projection::sql {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Where what begins at `at` and is not to be looked into ends; `at` if there is no such thing.
std::size_t end_of_opaque(std::string_view text, std::size_t at) {
  const auto after = [&](std::string_view closing, std::size_t from) {
    const std::size_t found = text.find(closing, from);
    return found == std::string_view::npos ? text.size() : found + closing.size();
  };
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("--")) return after("\n", at);
  if (rest.starts_with("/*")) return after("*/", at + 2);
  if (rest.starts_with("::")) return at + 2;
  if (rest.front() == '\'' || rest.front() == '"')
    return after(rest.substr(0, 1), at + 1);  // a doubled quote begins the next piece
  if (rest.front() == '$') {
    std::size_t tag = 1;
    while (tag < rest.size() && is_word(rest[tag])) ++tag;
    if (tag < rest.size() && rest[tag] == '$') return after(rest.substr(0, tag + 1), at + tag + 1);
  }
  return at;
}

// Calls `piece` for what is text, and `name` for what is a parameter.
template <class Piece, class Name>
void scan(std::string_view text, Piece&& piece, Name&& name) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t opaque = end_of_opaque(text, at);
    std::size_t end = opaque;
    if (opaque == at && text[at] == ':') {
      end = at + 1;
      while (end < text.size() && is_word(text[end])) ++end;
      if (end > at + 1) {
        name(text.substr(at + 1, end - at - 1));
        at = end;
        continue;
      }
    }
    end = std::max(end, at + 1);
    piece(text.substr(at, end - at));
    at = end;
  }
}

}  // namespace

std::vector<std::string> parameter_names(std::string_view text) {
  std::vector<std::string> out;
  scan(
      text, [](std::string_view) {},
      [&](std::string_view name) {
        if (std::find(out.begin(), out.end(), name) == out.end()) out.emplace_back(name);
      });
  return out;
}

std::string number_parameters(std::string_view text, const std::vector<std::string>& names) {
  std::string out;
  scan(
      text, [&](std::string_view piece) { out += piece; },
      [&](std::string_view name) {
        const auto at = std::find(names.begin(), names.end(), name);
        if (at == names.end())
          out += ":" + std::string(name);
        else
          out += "?" + std::to_string(at - names.begin() + 1);
      });
  return out;
}

}  // namespace sluice::projection::sql
