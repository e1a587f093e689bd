// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

// SQLite told other settings than the log asked for, behind the log's back: what the log would be
// without them. A program that has sql_words.cpp in it defines sqlite3_exec() and
// sqlite3_prepare_v3() itself.
namespace sluice::lab {

// While it lives, `PRAGMA <name>=<asked>` sets `given`, and reading the pragma gives `read_back`.
// One at a time.
class OtherPragma {
 public:
  OtherPragma(std::string name, std::string asked, std::string given, std::string read_back);
  OtherPragma(const OtherPragma&) = delete;
  ~OtherPragma();
};

// From here on SQLite draws the same random bits (the salts of a WAL) for the same seed.
void seed_sqlite(std::uint64_t seed);

}  // namespace sluice::lab
