// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace sluice::hub {

// How fast a version reads, and when it will have caught up, from positions alone. One thread.
class BuildProgress {
 public:
  static constexpr std::uint64_t kWindowNs = 10'000'000'000;

  // `done` and `last`: messages read, and in the hub streams, summed over all shards. A `done` that
  // went back (all is read again) begins anew.
  void observe(std::uint64_t now_ns, std::uint64_t done, std::uint64_t last);

  std::uint64_t done() const { return newest_.done; }
  std::uint64_t last() const { return newest_.last; }
  std::uint64_t left() const {
    return newest_.last > newest_.done ? newest_.last - newest_.done : 0;
  }
  double percent() const;  // 0 to 100
  double rate() const;     // messages a second, over the window
  // Seconds until nothing is left at this pace, with what comes meanwhile; nullopt: it gets no
  // nearer, or that is not known yet.
  std::optional<double> eta_s() const;

 private:
  struct Sample {
    std::uint64_t at_ns = 0;
    std::uint64_t done = 0;
    std::uint64_t last = 0;
    double left() const { return static_cast<double>(last) - static_cast<double>(done); }
  };
  double seconds() const;
  std::deque<Sample> window_;
  Sample newest_;
};

}  // namespace sluice::hub
