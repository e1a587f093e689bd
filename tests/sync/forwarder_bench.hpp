// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sync/forwarder.hpp"
#include "tests/sync/sim_log.hpp"

namespace sluice::sync {

// A forwarder over a log in memory, step by step. The hub takes everything at once, unless it is
// told not to answer.
class Bench final : public SessionEffects {
 public:
  explicit Bench(ForwarderSettings settings = {})
      : forwarder({"plant-7", "main"}, settings, *this) {
    core::SeededRandom random(7);
    log.start(random);
  }

  void open() {
    std::array<LaneLog, core::kLaneCount> lanes;
    for (auto lane : core::kLanes) lanes[core::index(lane)] = log.lane_log(lane);
    forwarder.log_opened(std::move(lanes), now);
    forwarder.tick(now);
  }
  void let_in() {
    forwarder.connected(1 << 20, now);
    forwarder.claimed(true, "", now);
    settle();
  }
  void reconnect() {
    forwarder.session_closed(core::fail(core::Errc::kUnavailable, "gone"), now);
    now += Time(60'000);
    forwarder.tick(now);
    let_in();
  }
  void settle() {
    while (!reads.empty() || !answers.empty()) {
      if (!reads.empty()) {
        auto read = std::move(reads.front());
        reads.pop_front();
        read();
        continue;
      }
      auto answer = std::move(answers.front());
      answers.pop_front();
      answer();
    }
    forwarder.flush_acks();
  }
  void pass(Time time) {
    for (const Time end = now + time; now < end;) {
      now += Time(10);
      forwarder.tick(now);
      settle();
    }
  }
  const LaneSender& telemetry() { return forwarder.lane(core::Lane::kTelemetry); }

  void ask_anchor(core::Lane lane, const std::string&, const std::string&) override {
    answers.push_back([this, lane] { forwarder.anchor(lane, stored, now); });
  }
  void publish(core::Lane lane, std::uint64_t token, const Outgoing& message) override {
    bytes_sent += message.body.size() + message.identity.size() + message.subject.size();
    sent.emplace_back(message.identity);
    tokens.push_back(token);
    if (is_silent) return;
    if (refuses) {
      answers.push_back([this, lane, token] {
        forwarder.answer(lane, token, {false, {}, {Refusal::kRetry, 503, 10077, "full"}}, now);
      });
      return;
    }
    answers.push_back([this, lane, token, hub_seq = ++hub.last_seq] {
      forwarder.answer(lane, token, {true, {hub_seq, false}, {}}, now);
    });
  }
  void close_session(core::Error why) override { closed = why.message; }
  void read(core::Lane lane, std::uint64_t ticket, core::Seq from, std::size_t rows,
            std::size_t bytes) override {
    ++reads_made;
    reads.push_back([=, this] {
      auto records = log.read(lane, from, rows, bytes);
      if (hide && records)
        std::erase_if(*records, [&](const auto& record) { return record.seq == *hide; });
      if (hide_once) hide.reset();
      forwarder.rows(lane, ticket, std::move(records), now);
    });
  }
  void record_acks(core::Lane lane, std::vector<storage::Anchor> anchors) override {
    log.record(lane, anchors);
  }
  void rewind(core::Lane lane, core::Seq acked) override {
    log.rewind(lane, acked);
    answers.push_back([this, lane] { forwarder.rewound(lane, true, now); });
  }
  void set_aside(core::Lane lane, const storage::SetAside& range) override {
    log.at(lane).set_aside.push_back(range);
    answers.push_back([=, this] { forwarder.set_aside_done(lane, range, true, now); });
  }
  void alarm(std::string_view type, const std::string&) override { alarms.emplace_back(type); }
  void rewound_by_hub(core::Lane lane, const Rewind& rewind) override {
    told.emplace_back(lane, rewind);
  }
  void went_back(core::Lane, core::Seq seq, const std::string&) override { future = seq; }
  core::Recorded recorded() override { return {}; }
  std::int64_t clock_correction(const core::Recorded&) override { return 0; }
  std::uint64_t random_below(std::uint64_t bound) override { return bound - 1; }
  void connect() override {}
  void ask_hub_stream() override {
    ++looks;
    if (is_silent) return;
    answers.push_back([this, found = hub] {
      if (is_hub_stream_gone)
        forwarder.hub_stream(core::fail(core::Errc::kNotFound, "stream not found"), now);
      else
        forwarder.hub_stream(found, now);
    });
  }
  void claim() override {}
  void ping() override { ++pings; }

  sim::SimLog log;
  Time now{1'000};
  HubStream hub{"EVENTS-main", "2026-11-21T00:00:00Z", 1, 0, 0};
  std::optional<StoredMessage> stored;
  bool is_silent = false;
  bool refuses = false;
  bool is_hub_stream_gone = false;
  std::optional<core::Seq> hide;
  bool hide_once = false;
  std::deque<std::function<void()>> reads, answers;
  std::vector<std::string> sent;
  std::vector<std::uint64_t> tokens;
  std::uint64_t bytes_sent = 0;
  std::size_t reads_made = 0;
  std::string closed;
  std::vector<std::pair<core::Lane, Rewind>> told;
  std::optional<core::Seq> future;
  int pings = 0;
  int looks = 0;
  std::vector<std::string> alarms;
  Forwarder forwarder;
};

inline std::size_t sent_of(const Bench& bench, core::Lane lane) {
  const auto word = "." + std::string(core::lane_name(lane)) + ".";
  return static_cast<std::size_t>(std::count_if(
      bench.sent.begin(), bench.sent.end(),
      [&](const std::string& identity) { return identity.find(word) != std::string::npos; }));
}

}  // namespace sluice::sync
