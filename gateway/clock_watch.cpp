// SPDX-License-Identifier: Apache-2.0
#include "gateway/clock_watch.hpp"

#include <cstdlib>

#include "rpc/pack.hpp"

namespace sluice::gateway {

std::string ClockAnchor::data() const {
  rpc::Packer out;
  out.map(4).text("wall_ns").integer(wall_ns).text("boot");
  out.bytes({reinterpret_cast<const char*>(boot.bytes.data()), boot.bytes.size()});
  out.text("monotonic_ns").unsigned_integer(monotonic_ns);
  out.text("was_wall_ns").integer(was_wall_ns);
  return out.take();
}

std::optional<ClockAnchor> ClockWatch::look(const core::Clock& clock) {
  const std::int64_t wall = clock.wall_ns();
  const std::uint64_t monotonic = clock.monotonic_ns();
  const bool is_trusted = clock.trusted();
  const std::int64_t began = wall - static_cast<std::int64_t>(monotonic);
  const std::int64_t before = begun_ ? began_ns_ : began;
  const bool is_news = is_trusted && (!was_trusted_ || std::llabs(began - anchored_ns_) > kStepNs);
  begun_ = true;
  was_trusted_ = is_trusted;
  began_ns_ = began;
  if (!is_news) return std::nullopt;
  anchored_ns_ = began;
  return ClockAnchor{wall, clock.boot(), monotonic, before + static_cast<std::int64_t>(monotonic)};
}

}  // namespace sluice::gateway
