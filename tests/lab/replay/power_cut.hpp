// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/lab/replay/lane_check.hpp"
#include "tests/lab/replay/scenario.hpp"

namespace sluice::lab {

// Sums over images.
struct Tally {
  std::uint64_t images = 0;
  std::uint64_t bad = 0;             // images with any problem
  std::uint64_t lossy = 0;           // images that lost what had been acknowledged
  std::uint64_t corrupt = 0;         // images with a problem other than loss
  std::uint64_t recoveries_cut = 0;  // of the images: made by a cut during the check of another
  std::uint64_t acked = 0, lost = 0, doubled = 0, out_of_order = 0;
  bool reopened = true;
  std::vector<std::string> findings;  // the first few bad images: their keys and what is wrong
};

// Cuts the power at every operation of a recording and looks at what is left. An image has a key,
// scenario/seed/operation/choice, which makes the same image again; that of a cut during the check
// of another image goes on with /operation/choice.
class PowerCut {
 public:
  struct Options {
    std::uint64_t choices = 6;       // images per operation: none, all, and seeded choices
    std::uint64_t deep_every = 500;  // one image in so many: its recovery is cut everywhere as well
    std::uint64_t images = UINT64_MAX;  // stop after so many
  };
  void run(const Recording& recording, const Options& options, Tally& tally);

  // The one image of a key, whatever its verdict.
  Verdict look_at(const std::string& key);

  ImageFolder& folder() { return folder_; }

 private:
  struct Place {
    std::string key;
    std::uint64_t seed = 0;
  };
  void deep(const Recording& recording, const Tree& tree, std::size_t time, const Place& place,
            const Options& options, Tally& tally);
  Verdict check(const Tree& tree, const Ledger& ledger, std::size_t time,
                const storage::LogSettings& settings, std::uint64_t seed);
  static void count(const Verdict& verdict, const std::string& key, Tally& tally);

  ImageFolder folder_;
};

}  // namespace sluice::lab
