// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::core {

// What went wrong, as a class that a caller can act on. The words (error_word) are part of the
// local protocol and of the CLI's JSON: never rename one.
enum class Errc {
  kBadRequest,       // "bad_request": malformed or refused input; sending it again cannot help
  kTooLarge,         // "too_large": over a size, depth or count limit
  kVersionConflict,  // "version_conflict": expected version not met; Error::current holds the real
                     // one
  kIdConflict,       // "id_conflict": the id is known with other content
  kLimit,         // "limit": a quota or configured limit is reached; retry only after room is made
  kBusy,          // "busy": a bounded queue is full; retry after a pause
  kNotFound,      // "not_found"
  kUnauthorized,  // "unauthorized"
  kUnavailable,   // "unavailable": the other end is not there; retry later
  kCorrupt,       // "corrupt": stored or received bytes fail a check
  kIo,            // "io": the operating system or SQLite refused; message holds its words
  kConfig,        // "config": bad configuration (exit code 78)
  kUnsupported,   // "unsupported": a newer format, or an unknown method
  kInternal,      // "internal": a bug or an impossible state
};

std::string_view error_word(Errc code);
// Unknown words give kInternal.
Errc error_from_word(std::string_view word);

struct Error {
  Errc code = Errc::kInternal;
  std::string message;       // what, where and what to do, in one sentence without a full stop
  std::string field = {};    // the offending field or key, empty if none
  std::int64_t current = 0;  // kVersionConflict: the stream's version (0: does not exist)
};

// "version_conflict: expected version 3 of pump/7, it is at 5 (field expect)"
std::string to_string(const Error& error);

}  // namespace sluice::core
