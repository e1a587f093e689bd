// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace sluice::test {

// Writers that acknowledge too early, beside one that does not, to see what the rig sees.
enum class Writer {
  kSqliteFull,    // WAL, synchronous=FULL: must lose nothing
  kSqliteNormal,  // WAL, synchronous=NORMAL: intact, but its newest commits may go
  kPlainWrites,   // write(2) and nothing else
};

// Writes 100 records at a pace of 3 ms, each "acknowledged" as soon as its call returned, cuts the
// power and counts which of them are gone. Throws if the store does not open again.
std::uint64_t lost_by_cut(Writer writer);

}  // namespace sluice::test
