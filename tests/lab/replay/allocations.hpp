// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Memory that runs out. A program that has allocations.cpp in it defines operator new itself and
// hands SQLite an allocator of its own.
namespace sluice::lab {

enum class Allocator { kCpp, kSqlite };

// From here on the n-th allocation fails: std::bad_alloc, or SQLite's SQLITE_NOMEM; if sticky, all
// later ones do, too. n = 0: none. Starts the count anew.
void fail_allocation(Allocator which, std::uint64_t n, bool sticky);
std::uint64_t allocations_seen();  // since then, of that allocator

}  // namespace sluice::lab
