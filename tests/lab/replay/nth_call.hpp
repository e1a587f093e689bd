// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/lab/replay/lane_check.hpp"
#include "tests/lab/replay/libc_calls.hpp"
#include "tests/lab/replay/power_cut.hpp"

namespace sluice::lab {

// What fails in one life of a lane.
struct Fault {
  CallKind kind = CallKind::kWrite;
  int error = 0;        // errno
  bool sticky = false;  // the n-th and all later ones
  std::string words() const;
};

struct NthTally {
  std::uint64_t runs = 0, troubled = 0;  // troubled: the log stopped or did not start
  std::uint64_t acked = 0, lost = 0, doubled = 0, out_of_order = 0;
  bool reopened = true;
  std::vector<std::string> findings;
  void add(const Verdict& verdict, const std::string& where);
};

// Lives (life.hpp) with the n-th call of a kind failing, for n = from, from + step ... until one
// sees no fault. After each, the power is cut: with all of what was not synced, with none, and with
// a choice of it, the log is opened without faults and checked.
class NthCallLab {
 public:
  void run(const Fault& fault, std::uint64_t from, std::uint64_t step, NthTally& tally);
  // One life with anything that `fault` does (see Recorder); checked as above.
  void live_with(const std::function<int(const FileCall&)>& fault, const std::string& where,
                 NthTally& tally);
  ImageFolder& folder() { return folder_; }

 private:
  ImageFolder folder_;
};

}  // namespace sluice::lab
