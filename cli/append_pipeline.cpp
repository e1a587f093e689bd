// SPDX-License-Identifier: Apache-2.0
#include "cli/append_pipeline.hpp"

#include <poll.h>

#include <algorithm>

#include "core/assert.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::Result;

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kFirstBackOffNs = 50 * kMs;
constexpr std::uint64_t kBackOffMaxNs = 2'000 * kMs;
constexpr std::uint64_t kPauseNs = 100 * kMs;

// Not the event's fault: the same bytes can succeed a little later. kIo means that the outcome is
// unknown; the id makes asking again safe.
bool passes(Errc code) {
  return code == Errc::kBusy || code == Errc::kUnavailable || code == Errc::kIo;
}

}  // namespace

AppendPipeline::AppendPipeline(std::string gateway, Settings settings, core::Clock& clock,
                               OnAnswer on_answer)
    : gateway_(std::move(gateway)),
      settings_(settings),
      clock_(clock),
      on_answer_(std::move(on_answer)) {}

Result<void> AppendPipeline::connect() {
  auto client = connect_gateway(gateway_);
  if (!client) return client.error();
  client_.emplace(std::move(*client));
  return {};
}

void AppendPipeline::add(std::uint64_t tag, std::string append_params) {
  SLUICE_ASSERT(has_room());
  pending_.push_back({tag, std::move(append_params), std::nullopt});
}

Result<bool> AppendPipeline::step(int other_fd, std::chrono::milliseconds wait) {
  if (!client_) try_again();
  if (out_of_patience()) return give_up();
  if (!client_) {
    return poll_both(other_fd, std::min(wait, std::chrono::milliseconds(50)));
  }
  if (paused_ && in_flight_ == 0 && clock_.monotonic_ns() >= resume_ns_) paused_ = false;
  send_pending();
  take_answers();
  if (!client_) return false;
  // Answers already taken out of the socket do not wake poll: take_answers() left none.
  if (paused_ && in_flight_ == 0) wait = std::min(wait, std::chrono::milliseconds(20));
  const bool other = poll_both(other_fd, wait);
  take_answers();
  return other;
}

void AppendPipeline::send_pending() {
  if (paused_) return;
  for (Pending& event : pending_) {
    if (event.request) continue;
    const auto id = client_->send("append", event.params);
    if (!id) return lose_connection(id.error());
    event.request = *id;
    ++in_flight_;
  }
}

void AppendPipeline::take_answers() {
  while (client_) {
    const auto came = client_->receive_for(std::chrono::milliseconds(0));
    if (!came) return lose_connection(came.error());
    if (!*came) return;
    if (!(*came)->is_notification()) settle(**came);
  }
}

void AppendPipeline::settle(const rpc::BlockingClient::Incoming& answer) {
  const auto event = std::find_if(pending_.begin(), pending_.end(),
                                  [&](const Pending& p) { return p.request == answer.id; });
  if (event == pending_.end()) return;
  --in_flight_;
  if (!answer.body && passes(answer.body.error().code)) {
    event->request.reset();
    event->sent_before = true;
    paused_ = true;
    resume_ns_ = clock_.monotonic_ns() + kPauseNs;
    last_error_ = answer.body.error();
    if (lost_ns_ == 0) lost_ns_ = clock_.monotonic_ns();
    return;
  }
  lost_ns_ = 0;
  back_off_ns_ = 0;
  Answer settled{event->tag, Position{}, event->sent_before};
  if (answer.body)
    settled.result = position_of(*answer.body);
  else
    settled.result = answer.body.error();
  pending_.erase(event);
  on_answer_(settled);
}

void AppendPipeline::lose_connection(const core::Error& why) {
  client_.reset();
  last_error_ = why;
  const std::uint64_t now = clock_.monotonic_ns();
  if (lost_ns_ == 0) lost_ns_ = now;
  for (Pending& event : pending_) {
    event.sent_before |= event.request.has_value();
    event.request.reset();
  }
  in_flight_ = 0;
  paused_ = false;
  back_off_ns_ = std::clamp(back_off_ns_ * 2, kFirstBackOffNs, kBackOffMaxNs);
  next_try_ns_ = now + back_off_ns_;
}

void AppendPipeline::try_again() {
  if (clock_.monotonic_ns() < next_try_ns_) return;
  auto client = connect_gateway(gateway_);
  if (!client) return lose_connection(client.error());
  client_.emplace(std::move(*client));
  ++reconnects_;
}

bool AppendPipeline::out_of_patience() const {
  return lost_ns_ != 0 &&
         clock_.monotonic_ns() - lost_ns_ >= static_cast<std::uint64_t>(settings_.patience.count());
}

core::Error AppendPipeline::give_up() {
  while (!pending_.empty()) {
    const Answer given_up{pending_.front().tag, last_error_, pending_.front().sent_before};
    pending_.pop_front();
    on_answer_(given_up);
  }
  return last_error_;
}

bool AppendPipeline::poll_both(int other_fd, std::chrono::milliseconds wait) {
  pollfd files[2] = {{client_ ? client_->native_handle() : -1, POLLIN, 0}, {other_fd, POLLIN, 0}};
  if (poll(files, 2, static_cast<int>(wait.count())) <= 0) return false;
  return files[1].revents != 0;
}

}  // namespace sluice::cli
