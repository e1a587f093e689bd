// SPDX-License-Identifier: Apache-2.0
#include "gateway/ack_desk.hpp"

#include <algorithm>
#include <memory>

namespace sluice::gateway {
namespace {

using storage::AckMode;
using Appended = std::vector<storage::Appended>;

constexpr std::chrono::milliseconds kExpiryLook{100};
constexpr std::uint64_t kLostTellEveryNs = 10'000'000'000;

}  // namespace

AckDesk::AckDesk(boost::asio::io_context& io, LogDesk& desk, Environment environment)
    : desk_(desk), environment_(environment), ids_(environment.random), expiry_(io) {
  desk_.on_hub(
      {[this](core::Lane lane, core::Seq acked) { hub_.cursor(lane, acked); },
       [this](core::Lane lane, const storage::SetAside& range) { hub_.set_aside(lane, range); }});
}

bool AckDesk::append(storage::AppendRequest request, Answer answer, std::function<void()> started) {
  const AckMode mode = desk_.ack_mode(request);
  if (mode == AckMode::kMemory)
    return append_to_memory(std::move(request), std::move(answer), std::move(started));
  return desk_.append(
      std::move(request),
      [this, mode, answer = std::move(answer)](core::Result<Appended> result) {
        if (!result) return answer(result.error());
        if (mode == AckMode::kHub) return wait_for_hub(std::move(*result), answer);
        answer(Receipt{mode, std::move(*result)});
      },
      std::move(started));
}

void AckDesk::wait_for_hub(Appended events, const Answer& answer) {
  core::Seq from = events.front().seq;
  core::Seq to = from;
  for (const storage::Appended& event : events) {
    from = std::min(from, event.seq);
    to = std::max(to, event.seq);
  }
  const core::Lane lane = events.front().lane;
  const auto timeout = std::chrono::nanoseconds(desk_.settings().log.hub_timeout);
  hub_.add(lane, from, to,
           environment_.clock.monotonic_ns() + static_cast<std::uint64_t>(timeout.count()),
           [answer, events = std::move(events)](core::Result<void> told) mutable {
             if (!told) {
               core::Error error = told.error();
               error.message += " (" + events.front().id.text() + ")";
               return answer(std::move(error));
             }
             answer(Receipt{AckMode::kHub, std::move(events)});
           });
  if (ending_) hub_.give_up();
  arm();
}

// The answer goes out when the log has queued the append: what the log can refuse without a look
// at its files was refused by then. Whatever comes later is counted, since nobody waits for it.
bool AckDesk::append_to_memory(storage::AppendRequest request, Answer answer,
                               std::function<void()> started) {
  auto events = std::make_shared<Appended>();
  for (storage::NewEvent& event : request.events) {
    if (!event.id) event.id = ids_.next(environment_.clock.wall_ns());
    storage::Appended known;
    known.lane = desk_.lane_of(event.stream.category);
    known.id = *event.id;
    events->push_back(known);
  }
  const auto told = std::make_shared<bool>(false);
  return desk_.append(
      std::move(request),
      [this, events, answer, told](core::Result<Appended> result) {
        if (!*told)
          return answer(result ? Receipt{AckMode::kMemory, *events}
                               : core::Result<Receipt>(result.error()));
        if (!result) lost(events->size(), result.error());
      },
      std::move(started),
      [this, events, answer, told] {
        *told = true;
        memory_taken_ += events->size();
        answer(Receipt{AckMode::kMemory, *events});
      });
}

void AckDesk::lost(std::size_t events, const core::Error& why) {
  memory_lost_ += events;
  const std::uint64_t now = environment_.clock.monotonic_ns();
  if (lost_told_ns_ != 0 && now - lost_told_ns_ < kLostTellEveryNs) return;
  lost_told_ns_ = now;
  environment_.logger.error(
      "sluiced", "events that were answered from memory were not stored",
      {{"events", std::to_string(memory_lost_ - std::exchange(lost_told_, memory_lost_))},
       {"why", core::to_string(why)}});
}

void AckDesk::arm() {
  if (hub_.waiting() == 0 || std::exchange(armed_, true)) return;
  expiry_.expires_after(kExpiryLook);
  expiry_.async_wait([this](const boost::system::error_code& error) {
    armed_ = false;
    if (error) return;
    hub_.expire(environment_.clock.monotonic_ns());
    arm();
  });
}

void AckDesk::give_up() {
  ending_ = true;
  hub_.give_up();
  expiry_.cancel();
}

AckDesk::Counters AckDesk::counters() const {
  return {hub_.waiting(), memory_taken_, memory_lost_};
}

}  // namespace sluice::gateway
