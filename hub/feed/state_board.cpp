// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/state_board.hpp"

#include <pthread.h>

#include <algorithm>

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using projection::Engine;

namespace {

// To find branches the whole gate is read.
constexpr std::uint64_t kBranchesKeptNs = 3'000'000'000;

Result<EngineState> read_state(Engine& engine, const EngineState* before,
                               const core::Clock& clock) {
  EngineState out;
  auto totals = engine.totals();
  if (!totals) return totals.error();
  out.totals = *totals;
  auto lanes = engine.lanes(EngineState::kLanesMax);
  if (!lanes) return lanes.error();
  out.lanes = std::move(*lanes);
  auto holes = engine.holes(EngineState::kHolesMax);
  if (!holes) return holes.error();
  out.holes = std::move(*holes);
  auto parked = engine.parked_heads(EngineState::kParkedMax);
  if (!parked) return parked.error();
  out.parked = std::move(*parked);
  const std::uint64_t now = clock.monotonic_ns();
  if (before != nullptr && now - before->branches_ns < kBranchesKeptNs) {
    out.branches = before->branches;
    out.branches_ns = before->branches_ns;
  } else {
    auto branches = engine.branches(EngineState::kBranchesMax);
    if (!branches) return branches.error();
    out.branches = std::move(*branches);
    out.branches_ns = now;
  }
  out.read_ns = clock.monotonic_ns();
  return out;
}

}  // namespace

std::uint64_t EngineState::age_s(const core::Clock& clock) const {
  const std::uint64_t now = clock.monotonic_ns();
  return now > read_ns ? (now - read_ns) / 1'000'000'000 : 0;
}

bool EngineState::blocked() const {
  return std::any_of(lanes.begin(), lanes.end(),
                     [](const projection::LaneState& lane) { return lane.blocked; });
}

StateBoard::StateBoard(WithEngine with_engine, const core::Clock& clock)
    : with_engine_(std::move(with_engine)),
      clock_(clock),
      said_(fail(Errc::kUnavailable, "the model's database has not answered yet")) {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "state-board");
}

StateBoard::~StateBoard() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  asked_bell_.notify_all();
  thread_.join();
}

std::uint64_t StateBoard::ask() {
  const std::lock_guard lock(mutex_);
  if (asked_ == answered_) waits_since_ = std::chrono::steady_clock::now();
  asked_bell_.notify_one();
  return ++asked_;
}

StateBoard::Said StateBoard::newest(std::uint64_t ticket) const {
  std::unique_lock lock(mutex_);
  while (answered_ < ticket && std::chrono::steady_clock::now() < waits_since_ + kPatience)
    answered_bell_.wait_until(lock, waits_since_ + kPatience);
  return said_;
}

void StateBoard::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    asked_bell_.wait(lock, [this] { return stopping_ || asked_ > answered_; });
    if (stopping_) return;
    lock.unlock();
    with_engine_([this](Engine& engine) { read_if_asked(engine); });
    lock.lock();
  }
}

void StateBoard::read_if_asked(Engine& engine) {
  std::uint64_t ticket = 0;
  std::shared_ptr<const EngineState> before;
  {
    const std::lock_guard lock(mutex_);
    if (asked_ == answered_) return;
    ticket = asked_;
    if (said_) before = *said_;
  }
  auto read = read_state(engine, before.get(), clock_);
  {
    const std::lock_guard lock(mutex_);
    if (read)
      said_ = std::make_shared<const EngineState>(std::move(*read));
    else
      said_ = read.error();
    answered_ = ticket;
    waits_since_ = std::chrono::steady_clock::now();  // of those who asked meanwhile
  }
  answered_bell_.notify_all();
}

}  // namespace sluice::hub
