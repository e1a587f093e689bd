// SPDX-License-Identifier: Apache-2.0
#include "tests/sync/sim_hub.hpp"

namespace sluice::sync::sim {

namespace {
constexpr std::string_view kOwner = "plant-7";
constexpr Time kDedupWindow{120'000};

PubAnswer refusal(Refusal kind, const char* words) {
  return {false, {}, {kind, 503, 0, words}};
}
}  // namespace

std::uint64_t SimHub::store(Stored message) {
  messages.emplace(++last_seq, std::move(message));
  return last_seq;
}

PubAnswer SimHub::publish(const std::string& subject, const std::string& identity,
                          std::string_view body, Time now) {
  const auto known = known_.find(identity);
  if (known != known_.end() && now - known->second.second < kDedupWindow)
    return {true, {known->second.first, true}, {}};
  if (body.size() > bytes_max) return refusal(Refusal::kSetAside, "message size exceeds maximum");
  if (full) return refusal(Refusal::kRetry, "maximum bytes exceeded");
  if (refuse_in >= 0 && refuse_in-- == 0) return refusal(Refusal::kRetry, "insufficient resources");
  const auto seq = store({subject, identity, std::string(body), now});
  taken.insert(identity);
  known_[identity] = {seq, now};
  return {true, {seq, false}, {}};
}

std::optional<StoredMessage> SimHub::last_of(const std::string& subject) const {
  for (auto message = messages.rbegin(); message != messages.rend(); ++message)
    if (message->second.subject == subject)
      return StoredMessage{message->first, message->second.identity};
  return std::nullopt;
}

HubStream SimHub::info() const {
  HubStream out;
  out.name = "EVENTS-main";
  out.created = "2026-11-21T00:00:0" + std::to_string(creations_ % 10) + "." +
                std::to_string(creations_) + "Z";
  out.first_seq = first_seq;
  out.last_seq = last_seq;
  return out;
}

void SimHub::cut_back(std::uint64_t last) {
  if (last >= last_seq) return;
  messages.erase(messages.upper_bound(last), messages.end());
  last_seq = last;
  first_seq = std::min(first_seq, last_seq + 1);
  known_.clear();
  for (const auto& [seq, message] : messages) known_[message.identity] = {seq, message.at};
  ++generation;
}

void SimHub::recreate() {
  messages.clear();
  taken.clear();
  known_.clear();
  last_seq = 0;
  first_seq = 1;
  ++creations_;
  ++generation;
}

void SimHub::age_out(std::uint64_t below) {
  below = std::min(below, last_seq + 1);
  if (below <= first_seq) return;
  messages.erase(messages.begin(), messages.lower_bound(below));
  first_seq = below;
}

bool SimReader::read(const SimHub& hub, std::size_t limit) {
  if (hub.generation != seen_) {
    seen_ = hub.generation;
    next_ = 1;
  }
  auto message = hub.messages.lower_bound(next_);
  for (; message != hub.messages.end() && limit > 0; ++message, --limit) {
    next_ = message->first + 1;
    if (message->second.identity == "other") continue;
    auto arrival = projection::check_message(message->second.subject, message->second.identity,
                                             message->second.body);
    if (!arrival) {
      problem = "poison: " + arrival.error().message;
      return false;
    }
    arrival->hub_stream = "EVENTS-main";
    arrival->hub_seq = message->first;
    const auto answer = gate_.offer(*arrival, *this);
    if (!answer) {
      problem = "the gate fails: " + answer.error().message;
    } else if (answer->verdict == projection::Verdict::kPoison) {
      problem = "the gate calls it poison: " + answer->why;
    }
    if (!problem.empty()) return false;
  }
  if (message == hub.messages.end()) next_ = hub.last_seq + 1;
  return true;
}

core::Result<void> SimReader::apply(const projection::Applied& applied) {
  const auto& event = applied.event;
  if (!applied_.insert({event.epoch, event.lane, event.seq}).second)
    problem = "applied twice: " + event.epoch.text() + "." + std::to_string(event.seq);
  return {};
}

core::Result<void> SimReader::late(const core::EventView& event, std::string_view, std::uint64_t) {
  late_.insert({event.epoch, event.lane, event.seq});
  return {};
}

std::vector<projection::Hole> SimReader::holes() {
  auto found = gate_.holes(100);
  return found ? *found : std::vector<projection::Hole>();
}

bool SimReader::given_up(core::Epoch epoch, core::Lane lane, core::Seq seq) {
  const auto row = store_.find({kOwner, epoch, lane});
  if (!row || *row == nullptr) return false;
  const auto absent = store_.is_absent(**row, seq);
  return absent && *absent;
}

std::string SimReader::rows(core::Lane lane) const {
  std::string out;
  for (const auto& row : store_.rows()) {
    if (row.lane != lane) continue;
    out += "\n  row " + row.epoch.text() + " state " + std::to_string(static_cast<int>(row.state)) +
           " first " + std::to_string(row.first) + " next " + std::to_string(row.next) + " after " +
           row.previous.text() + "@" + std::to_string(row.previous_last) + " held " +
           std::to_string(row.held);
  }
  return out;
}

void SimReader::skip(const projection::Hole& hole) {
  (void)gate_.skip({hole.gateway, hole.epoch, hole.lane}, "operator", *this);
}

}  // namespace sluice::sync::sim
