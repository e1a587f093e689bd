// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace sluice::test {

// The wall clock of a board, for the processes that are given its environment (libfaketime). Their
// monotonic clock is the true one. Any thread may set it.
class FalseClock {
 public:
  FalseClock();  // true time, until it is set

  static std::filesystem::path library();  // empty: libfaketime is not installed

  void set_offset(std::int64_t seconds) const;  // to true time, at once, in running processes too
  void set_time(std::int64_t unix_seconds) const;
  std::vector<std::string> environment() const;
  // A board without a clock chip: every process begins at this time.
  static std::vector<std::string> starts_at(std::int64_t unix_seconds);

 private:
  TempDir folder_;
};

}  // namespace sluice::test
