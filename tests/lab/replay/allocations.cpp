// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/allocations.hpp"

#include <sqlite3.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace sluice::lab {
namespace {

std::atomic<std::uint64_t> fail_at{0};
std::atomic<bool> all_later{false};
std::atomic<Allocator> failing{Allocator::kCpp};
std::atomic<std::uint64_t> seen{0};

bool fails(Allocator which) {
  const std::uint64_t n = fail_at.load(std::memory_order_relaxed);
  if (n == 0 || failing.load(std::memory_order_relaxed) != which) return false;
  const std::uint64_t now = seen.fetch_add(1, std::memory_order_relaxed) + 1;
  return all_later.load(std::memory_order_relaxed) ? now >= n : now == n;
}

sqlite3_mem_methods usual;

void* sqlite_malloc(int size) {
  return fails(Allocator::kSqlite) ? nullptr : usual.xMalloc(size);
}
void* sqlite_realloc(void* old, int size) {
  return fails(Allocator::kSqlite) ? nullptr : usual.xRealloc(old, size);
}

// Before main(), and so before SQLite is first used.
const bool is_installed = [] {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual);
  sqlite3_mem_methods ours = usual;
  ours.xMalloc = sqlite_malloc;
  ours.xRealloc = sqlite_realloc;
  return sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK;
}();

}  // namespace

void fail_allocation(Allocator which, std::uint64_t n, bool sticky) {
  if (!is_installed) std::abort();
  fail_at = 0;
  failing = which;
  all_later = sticky;
  seen = 0;
  fail_at = n;
}

std::uint64_t allocations_seen() {
  return seen;
}

}  // namespace sluice::lab

void* operator new(std::size_t size) {
  if (sluice::lab::fails(sluice::lab::Allocator::kCpp)) throw std::bad_alloc();
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
