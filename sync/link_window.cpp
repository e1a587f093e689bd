// SPDX-License-Identifier: Apache-2.0
#include "sync/link_window.hpp"

#include <algorithm>

namespace sluice::sync {

namespace {
constexpr Time kRateKept{5'000};
constexpr Time kLongDelay{2'000};
constexpr Time kProbeMax{3'000};
}  // namespace

void LinkWindow::begin() {
  in_flight_.fill(0);
  answered_ = 0;
  rate_ = rate_before_ = 0;
  rate_since_ = round_trip_ = round_trip_at_ = Time(0);
  probing_ = false;
  limit_ = std::min(settings_.bytes_start, settings_.bytes_max);
}

// kLanes is in the order of priority.
std::size_t LinkWindow::before(core::Lane lane) const {
  std::size_t sum = 0;
  for (auto other : core::kLanes) {
    sum += in_flight_[core::index(other)];
    if (other == lane) break;
  }
  return sum;
}

std::size_t LinkWindow::limit() const {
  return probing_ ? std::max(settings_.bytes_min, limit_ / 4) : limit_;
}

bool LinkWindow::has_room(core::Lane lane, std::size_t bytes) const {
  // Always one: the largest event, and a lane below one that never rests.
  return in_flight_[core::index(lane)] == 0 || before(lane) + bytes <= limit();
}

std::uint64_t LinkWindow::rate() const {
  return std::max(rate_, rate_before_);
}

LinkWindow::Sent LinkWindow::sent(core::Lane lane, std::size_t bytes, Time now) {
  in_flight_[core::index(lane)] += bytes;
  if (round_trip_ > Time(0) && !probing_ && now - round_trip_at_ >= settings_.probe_every)
    probing_ = true, probing_since_ = now;
  std::size_t all = 0;
  for (auto of : in_flight_) all += of;
  const bool little = all <= limit() + limit() / 2 || all == bytes;
  return {now, answered_, all > limit() / 4 * 3, probing_ && little};
}

void LinkWindow::answered(core::Lane lane, std::size_t bytes, const Sent& sent, Time now) {
  auto& of = in_flight_[core::index(lane)];
  of -= std::min(of, bytes);
  answered_ += bytes;
  const Time passed = std::max(Time(1), now - sent.at);
  see_round_trip(passed, sent, now);
  see_rate((answered_ - sent.answered) * 1000 / static_cast<std::uint64_t>(passed.count()),
           sent.filled, now);
  const Time trips = std::max(
      {settings_.delay, std::min(round_trip_ * 3, kLongDelay), round_trip_ + round_trip_ / 2});
  const auto wanted =
      static_cast<std::size_t>(rate() * static_cast<std::uint64_t>(trips.count()) / 1000);
  limit_ =
      std::clamp(wanted, settings_.bytes_min, std::max(settings_.bytes_min, settings_.bytes_max));
}

void LinkWindow::see_rate(std::uint64_t rate, bool filled, Time now) {
  if (rate >= rate_) rate_ = rate;
  // Time in which little was to be sent says nothing about the link.
  if (!filled || now - rate_since_ < kRateKept) return;
  rate_since_ = now;
  rate_before_ = rate_;
  rate_ = rate;
}

void LinkWindow::see_round_trip(Time time, const Sent& sent, Time now) {
  if (probing_ && now - probing_since_ >= kProbeMax) {
    probing_ = false;  // no answer to anything small in all that time: it stays as it was
    round_trip_at_ = now;
  }
  const bool measured = probing_ && sent.probe;
  if (round_trip_ != Time(0) && time > round_trip_ && !measured) return;
  round_trip_ = time;
  round_trip_at_ = now;
  if (measured) probing_ = false;
}

}  // namespace sluice::sync
