// SPDX-License-Identifier: Apache-2.0
#include "projection/model/pg_lint.hpp"

#include <algorithm>
#include <array>

namespace sluice::projection::sql {
namespace {

using Words = std::vector<std::string>;

template <std::size_t N>
bool is_among(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Not all that is not immutable: format() and to_char() say the same in each session of ours.
constexpr std::array<std::string_view, 16> kFunctions = {"now",
                                                         "clock_timestamp",
                                                         "statement_timestamp",
                                                         "transaction_timestamp",
                                                         "random",
                                                         "random_normal",
                                                         "gen_random_uuid",
                                                         "timeofday",
                                                         "nextval",
                                                         "setval",
                                                         "currval",
                                                         "lastval",
                                                         "setseed",
                                                         "pg_current_xact_id",
                                                         "txid_current",
                                                         "pg_backend_pid"};
constexpr std::array<std::string_view, 5> kKeywords = {
    "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"};
constexpr std::array<std::string_view, 4> kTimes = {"'now'", "'today'", "'tomorrow'",
                                                    "'yesterday'"};
constexpr std::array<std::string_view, 6> kTimeTypes = {"date",        "time",   "timestamp",
                                                        "timestamptz", "timetz", "zone"};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// How long the piece is with which `rest` begins: a comment, a text or name in quotes with these, a
// word, or one character.
std::size_t piece_size(std::string_view rest) {
  const auto through = [&](std::string_view closing, std::size_t from) {
    const std::size_t end = rest.find(closing, from);
    return end == std::string_view::npos ? rest.size() : end + closing.size();
  };
  if (rest.starts_with("--")) return through("\n", 2);
  if (rest.starts_with("/*")) return through("*/", 2);
  if (rest.front() == '\'' || rest.front() == '"') return through(rest.substr(0, 1), 1);
  std::size_t size = rest.front() == '$' ? 1 : 0;
  while (size < rest.size() && is_letter(rest[size])) ++size;
  if (rest.front() == '$' && size < rest.size() && rest[size] == '$')
    return through(rest.substr(0, size + 1), size + 1);
  return std::max<std::size_t>(size, 1);
}

// In small letters, as names are stored unless they are in quotes; without comments.
Words words_of(std::string_view text) {
  Words out;
  while (!text.empty()) {
    const std::size_t size = piece_size(text);
    std::string word(text.substr(0, size));
    text.remove_prefix(size);
    if (word.starts_with("--") || word.starts_with("/*") ||
        std::string_view(" \t\r\n\f\v").find(word.front()) != std::string_view::npos)
      continue;
    if (word.front() != '"')
      for (char& c : word)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    out.push_back(std::move(word));
  }
  return out;
}

std::string_view unquoted(std::string_view word) {
  return word.size() >= 2 && word.front() == '"' ? word.substr(1, word.size() - 2) : word;
}

bool calls(const Words& words, std::size_t i) {
  return i + 1 < words.size() && words[i + 1] == "(" &&
         (is_letter(words[i].front()) || words[i].front() == '"');
}

// timestamp 'now', 'now'::date, CAST('today' AS date)
bool is_made_a_time(const Words& words, std::size_t i) {
  const bool typed = i > 0 && is_among(kTimeTypes, words[i - 1]);
  const bool cast = i + 1 < words.size() && (words[i + 1] == ":" || words[i + 1] == "as");
  return is_among(kTimes, words[i]) && (typed || cast);
}

}  // namespace

std::string pg_objection(std::string_view text) {
  const Words words = words_of(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view name = unquoted(words[i]);
    if (name.starts_with("_sluice_"))
      return "names that begin with _sluice_ are the engine's own: '" + std::string(name) + "'";
    if (is_among(kKeywords, words[i]) || (calls(words, i) && is_among(kFunctions, name)))
      return "'" + words[i] + "' gives another result each time it is run; take $time or " +
             "$recorded as an argument";
    if (is_made_a_time(words, i))
      return words[i] + " is another time each time it is run; take $time or $recorded as an " +
             "argument";
  }
  return {};
}

std::vector<std::string> pg_functions(std::string_view text) {
  const Words words = words_of(text);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < words.size(); ++i)
    if (calls(words, i)) out.emplace_back(unquoted(words[i]));
  return out;
}

}  // namespace sluice::projection::sql
