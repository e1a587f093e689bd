// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/build_progress.hpp"

#include <algorithm>

namespace sluice::hub {

void BuildProgress::observe(std::uint64_t now_ns, std::uint64_t done, std::uint64_t last) {
  if (done < newest_.done) window_.clear();
  newest_ = {now_ns, done, std::max(done, last)};
  window_.push_back(newest_);
  // One sample older than the window stays, so that it is always spanned.
  while (window_.size() > 2 && now_ns - window_[1].at_ns >= kWindowNs) window_.pop_front();
}

double BuildProgress::seconds() const {
  if (window_.size() < 2) return 0;
  return static_cast<double>(window_.back().at_ns - window_.front().at_ns) / 1e9;
}

double BuildProgress::percent() const {
  if (newest_.last == 0) return 0;
  return 100.0 * static_cast<double>(newest_.done) / static_cast<double>(newest_.last);
}

double BuildProgress::rate() const {
  const double span = seconds();
  if (span <= 0) return 0;
  return static_cast<double>(window_.back().done - window_.front().done) / span;
}

std::optional<double> BuildProgress::eta_s() const {
  if (left() == 0) return 0;
  const double span = seconds();
  // What comes meanwhile counts against it: the pace is that of what is left, not of what is read.
  const double nearer = window_.empty() ? 0 : window_.front().left() - window_.back().left();
  if (span <= 0 || nearer <= 0) return std::nullopt;
  return static_cast<double>(left()) / (nearer / span);
}

}  // namespace sluice::hub
