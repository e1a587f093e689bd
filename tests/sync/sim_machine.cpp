// SPDX-License-Identifier: Apache-2.0
#include "tests/sync/sim_machine.hpp"

namespace sluice::sync::sim {

SimMachine::SimMachine(SimLog copied, SimHub& hub, core::Random& random, const Time& now,
                       ForwarderSettings settings)
    : log(std::move(copied)), settings_(settings), hub_(hub), random_(random), now_(now) {}

void SimMachine::start_sluiced() {
  log.start(random_);
  running = true;
  let_uplink_in();
}

void SimMachine::let_uplink_in() {
  if (!forwarder)
    forwarder = std::make_unique<Forwarder>(Address{kGateway, "main"}, settings_, *this);
  std::array<LaneLog, core::kLaneCount> lanes;
  for (auto lane : core::kLanes) lanes[core::index(lane)] = log.lane_log(lane);
  forwarder->log_opened(std::move(lanes), now_);
}

void SimMachine::drop_session() {
  up_.clear();
  down_.clear();
  session_ = false;
}

void SimMachine::kill_sluiced() {
  running = false;
  unwritten_.clear();
  local_.clear();
  drop_session();
  if (forwarder) forwarder->log_closed();
}

void SimMachine::kill_uplink() {
  local_.clear();
  drop_session();
  forwarder.reset();
  if (running) let_uplink_in();
}

void SimMachine::break_session() {
  if (!session_) return;
  for (auto arrive = random_.below(up_.size() + 1); arrive > 0; --arrive) {
    up_.front()();
    up_.pop_front();
  }
  drop_session();
  forwarder->session_closed(core::fail(core::Errc::kUnavailable, "gone"), now_);
}

bool SimMachine::step() {
  if (!running || (local_.empty() && up_.empty() && down_.empty())) return false;
  std::deque<Thing>* queues[] = {&local_, &up_, &down_};
  auto* queue = queues[random_.below(3)];
  while (queue->empty()) queue = queues[random_.below(3)];
  auto thing = std::move(queue->front());
  queue->pop_front();
  thing();
  return true;
}

void SimMachine::append(core::Lane lane, std::size_t data_bytes) {
  if (!running) return;
  log.append(lane, data_bytes);
  const auto& of = log.at(lane);
  if (forwarder) forwarder->tail(lane, of.first(), of.last, now_);
}

void SimMachine::need(const codec::Need& need) {
  if (running && session_ && forwarder) forwarder->need(need, now_);
}

void SimMachine::hub_changed() {
  if (running && session_ && forwarder) forwarder->hub_changed(now_);
}

void SimMachine::commit_acks() {
  for (const auto& [lane, anchors] : unwritten_) log.record(lane, anchors);
  unwritten_.clear();
}

bool SimMachine::quiet() const {
  if (!running || !forwarder) return true;
  return local_.empty() && up_.empty() && down_.empty() &&
         (!may_forward || (forwarder->settled() && !forwarder->waiting()));
}

void SimMachine::connect() {
  local_.push_back([this] {
    session_ = true;
    ++sessions_;
    forwarder->connected(1 << 20, now_);
  });
}

void SimMachine::ask_hub_stream() {
  up_.push_back([this] {
    down_.push_back([this, info = hub_.info()] { forwarder->hub_stream(info, now_); });
  });
}

void SimMachine::claim() {
  up_.push_back([this] {
    down_.push_back([this, go_on = may_forward] { forwarder->claimed(go_on, "clone", now_); });
  });
}

void SimMachine::ask_anchor(core::Lane lane, const std::string&, const std::string& subject) {
  up_.push_back([this, lane, subject] {
    down_.push_back(
        [this, lane, found = hub_.last_of(subject)] { forwarder->anchor(lane, found, now_); });
  });
}

void SimMachine::ping() {
  up_.push_back([this] { down_.push_back([this] { forwarder->alive(now_); }); });
}

void SimMachine::publish(core::Lane lane, std::uint64_t token, const Outgoing& message) {
  up_.push_back([this, lane, token, subject = message.subject, identity = message.identity,
                 body = std::string(message.body)] {
    const auto answer = hub_.publish(subject, identity, body, now_);
    // Now and then an answer gets lost though the connection stays.
    if (random_.below(500) == 0) return;
    down_.push_back([this, lane, token, answer] { forwarder->answer(lane, token, answer, now_); });
  });
}

void SimMachine::close_session(core::Error why) {
  local_.push_back([this, why, number = sessions_] {
    if (!session_ || number != sessions_) return;
    drop_session();
    forwarder->session_closed(why, now_);
  });
}

void SimMachine::read(core::Lane lane, std::uint64_t ticket, core::Seq from, std::size_t rows,
                      std::size_t bytes) {
  local_.push_back([=, this] {
    auto records = log.read(lane, from, std::min<std::size_t>(rows, 24), bytes);
    const auto& of = log.at(lane);
    if (records->empty() || records->front().seq > from)
      forwarder->tail(lane, of.first(), of.last, now_);
    forwarder->rows(lane, ticket, std::move(records), now_);
  });
}

void SimMachine::record_acks(core::Lane lane, std::vector<storage::Anchor> anchors) {
  unwritten_.emplace_back(lane, std::move(anchors));
}

void SimMachine::rewind(core::Lane lane, core::Seq acked) {
  local_.push_back([=, this] {
    commit_acks();
    log.rewind(lane, acked);
    forwarder->rewound(lane, true, now_);
  });
}

void SimMachine::set_aside(core::Lane lane, const storage::SetAside& range) {
  local_.push_back([=, this] {
    log.at(lane).set_aside.push_back(range);
    forwarder->set_aside_done(lane, range, true, now_);
  });
}

}  // namespace sluice::sync::sim
