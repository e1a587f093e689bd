// SPDX-License-Identifier: Apache-2.0
#include "projection/pg/error.hpp"

#include <algorithm>
#include <string>

#include "core/result.hpp"
#include "core/text.hpp"

namespace sluice::pg {

using core::Errc;

namespace {

struct Meaning {
  std::string_view prefix;  // of the SQLSTATE; the first that fits counts
  Errc code;
  std::string_view words;
};

constexpr Meaning kMeanings[] = {
    {"55P03", Errc::kBusy, "another session has locked the read database"},
    {"40P01", Errc::kBusy, "two sessions of the read database waited for each other"},
    {"40001", Errc::kBusy, "another session of the read database changed the same rows"},
    {"57014", Errc::kLimit, "a statement took longer than it may"},
    {"53100", Errc::kLimit, "the read database's disk is full"},
    {"53200", Errc::kUnavailable, "the read database has no memory left"},
    {"53300", Errc::kUnavailable, "the read database has no connection left"},
    {"53", Errc::kLimit, "the read database is at one of its limits"},
    {"25006", Errc::kUnavailable, "the read database can only be read now"},
    {"57P", Errc::kUnavailable, "the read database is away"},
    {"08", Errc::kUnavailable, "the read database is away"},
    {"25P03", Errc::kUnavailable, "the read database ended an idle transaction"},
    {"25P04", Errc::kLimit, "a transaction took longer than it may"},
    {"28", Errc::kConfig, "the read database refuses this login"},
    {"3D000", Errc::kConfig, "the read database does not exist: create it"},
    {"3F000", Errc::kConfig, "the read database has no such schema"},
    {"42501", Errc::kConfig, "this login lacks a right in the read database"},
    {"54", Errc::kTooLarge, "a value is over a limit of the read database"},
    {"22", Errc::kBadRequest, "the read database refuses a value"},
    {"23", Errc::kBadRequest, "a constraint of the read database is violated"},
    {"42", Errc::kBadRequest, "the read database refuses a statement"},
    {"44", Errc::kBadRequest, "a view of the read database refuses a row"},
    {"P0", Errc::kBadRequest, "a function of the read database raised an error"},
    {"58030", Errc::kIo, "the read database cannot use its disk"},
    {"XX001", Errc::kCorrupt, "the read database found damage"},
    {"XX002", Errc::kCorrupt, "the read database found a damaged index"},
};

const Meaning* meaning_of(std::string_view sqlstate) {
  const auto* found = std::find_if(std::begin(kMeanings), std::end(kMeanings),
                                   [&](const auto& m) { return sqlstate.starts_with(m.prefix); });
  return found == std::end(kMeanings) ? nullptr : found;
}

constexpr std::size_t kPiece = 80;
constexpr std::size_t kWordsMax = 5 * kPiece;

// One line: libpq's words end in a line feed and may have several.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '\n')
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  while (!out.empty() && out.back() == ' ') out.pop_back();
  // Piece by piece: printable() keeps 80 bytes, and what libpq says of a connection ends with why.
  std::string shown;
  for (std::size_t at = 0; at < std::min(out.size(), kWordsMax); at += kPiece)
    shown += core::printable(std::string_view(out).substr(at, kPiece));
  return out.size() > kWordsMax ? shown + "..." : shown;
}

}  // namespace

Errc class_of(std::string_view sqlstate) {
  if (sqlstate.empty()) return Errc::kUnavailable;
  const Meaning* meaning = meaning_of(sqlstate);
  return meaning != nullptr ? meaning->code : Errc::kIo;
}

core::Error make_error(std::string_view sqlstate, std::string_view message,
                       std::string_view detail) {
  const Meaning* meaning = meaning_of(sqlstate);
  std::string out(sqlstate.empty()     ? "the read database is away"
                  : meaning != nullptr ? meaning->words
                                       : "the read database failed");
  out += ": PostgreSQL: " + one_line(message);
  if (!detail.empty()) out += " (" + one_line(detail) + ")";
  if (!sqlstate.empty()) out += " [SQLSTATE " + std::string(sqlstate) + "]";
  return core::fail(class_of(sqlstate), std::move(out));
}

}  // namespace sluice::pg
