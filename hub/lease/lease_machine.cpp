// SPDX-License-Identifier: Apache-2.0
#include "hub/lease/lease_machine.hpp"

#include <algorithm>
#include <utility>

#include "hub/lease/assignment.hpp"

namespace sluice::hub {

LeaseMachine::LeaseMachine(Settings settings, const std::vector<std::string>& shards)
    : settings_(std::move(settings)) {
  for (const std::string& shard : shards) own_[shard];
}

std::uint64_t LeaseMachine::ttl_ns() const {
  return static_cast<std::uint64_t>(settings_.ttl.count()) * 1'000'000;
}

bool LeaseMachine::is_ours(const Seen& seen) const {
  return seen.value && seen.value->session == settings_.session &&
         seen.value->worker == settings_.worker;
}

bool LeaseMachine::is_alive(const Seen& seen, std::uint64_t now_ns) const {
  if (!seen.value || seen.value->worker.empty()) return false;
  const auto ttl = static_cast<std::uint64_t>(seen.value->ttl.count()) * 1'000'000;
  return now_ns < seen.at_ns + ttl;
}

bool LeaseMachine::is_read_here(const Own& own) const {
  return own.state == State::kHeld || own.state == State::kReturning || own.state == State::kLost;
}

void LeaseMachine::look_anew(std::int64_t bucket_created_ns) {
  if (bucket_created_ns_ != 0 && bucket_created_ns != bucket_created_ns_) {
    for (auto& [shard, own] : own_) {
      if (own.state == State::kHeld || own.state == State::kReturning)
        lose(shard, own, "the bucket of leases was made anew", pending_);
      else if (own.state != State::kLost)
        let_go(own);
      own.revision = 0;
    }
    member_.revision = 0;
  }
  bucket_created_ns_ = bucket_created_ns;
  has_seen_all_ = false;
  seen_shards_.clear();
  seen_workers_.clear();
}

// Beats are never used twice: an answer that comes late must not be taken for a newer one.
void LeaseMachine::let_go(Own& own) {
  Own fresh;
  fresh.revision = own.revision;
  fresh.sent_beat = own.sent_beat;
  fresh.floor = own.floor;
  own = fresh;
}

// Our own write came back: it counts from when it was sent.
void LeaseMachine::confirm(Own& own, std::uint64_t revision) {
  own.revision = revision;
  own.in_doubt = false;
  own.valid_until = own.sent_ns + ttl_ns() / 5 * 4;
}

void LeaseMachine::lose(const std::string& shard, Own& own, const std::string& why,
                        std::vector<Action>& actions) {
  own.state = State::kLost;
  actions.push_back({Action::Kind::kStop, shard, {}, 0, own.token, why, true});
}

void LeaseMachine::saw_shard(const std::string& shard, const std::optional<LeaseValue>& value,
                             std::uint64_t revision, std::uint64_t now_ns) {
  const auto found = own_.find(shard);
  if (found == own_.end()) return;
  Own& own = found->second;
  Seen& seen = seen_shards_[shard];
  if (revision <= seen.revision) return;
  seen = {value, revision, now_ns};
  if (revision <= own.revision) return;  // an older word than our last
  if (is_ours(seen) && value->beat == own.sent_beat) {
    if (own.state == State::kReaching) {
      own.state = State::kHeld;
      own.token = value->token;
      pending_.push_back({Action::Kind::kStart, shard, {}, 0, own.token, {}});
    }
    if (own.state == State::kHeld || own.state == State::kReturning) confirm(own, revision);
    return;
  }
  if (is_ours(seen)) {  // an earlier beat, whose answer was late: it adds no time
    own.revision = revision;
    own.in_doubt = false;
    return;
  }
  if (own.state == State::kHeld || own.state == State::kReturning)
    lose(shard, own, "another worker has the lease", pending_);
  else if (own.state == State::kReaching || own.state == State::kStopped)
    let_go(own);
}

void LeaseMachine::saw_worker(const std::string& worker, const std::optional<LeaseValue>& value,
                              std::uint64_t revision, std::uint64_t now_ns) {
  Seen& seen = seen_workers_[worker];
  if (revision <= seen.revision) return;
  const std::optional<LeaseValue> before = std::exchange(seen, {value, revision, now_ns}).value;
  if (worker != settings_.worker) return;
  if (!is_ours(seen)) {
    if (!value || value->worker.empty()) return;
    // What an earlier start left does not beat any more.
    const bool it_beats = before && before->session == value->session && before->beat < value->beat;
    has_twin_ = has_twin_ || it_beats || (member_.revision != 0 && revision > member_.revision);
  } else if (value->beat == member_.sent_beat && revision > member_.revision) {
    confirm(member_, revision);
  }
}

std::string LeaseMachine::owner_of(const std::string& shard, std::uint64_t now_ns) const {
  const Own& own = own_.at(shard);
  if (own.state == State::kHeld || own.state == State::kReturning ||
      own.state == State::kReaching || own.state == State::kStopped)
    return settings_.worker;
  const auto seen = seen_shards_.find(shard);
  if (seen == seen_shards_.end() || !is_alive(seen->second, now_ns)) return {};
  // Of an earlier start of this worker: its time has to run out like any other's.
  if (seen->second.value->worker == settings_.worker) return "(an earlier start)";
  return seen->second.value->worker;
}

std::set<std::string> LeaseMachine::workers(std::uint64_t now_ns) const {
  std::set<std::string> out;
  for (const auto& [worker, seen] : seen_workers_)
    if (worker != settings_.worker && is_alive(seen, now_ns)) out.insert(worker);
  if (!leaving_) out.insert(settings_.worker);
  return out;
}

std::map<std::string, LeaseMachine::ShardView> LeaseMachine::shards(std::uint64_t now_ns) const {
  std::map<std::string, ShardView> out;
  for (const auto& [shard, own] : own_)
    out[shard] = {owner_of(shard, now_ns), is_read_here(own), own.token};
  return out;
}

LeaseMachine::Action LeaseMachine::write(const std::string& shard, Own& own,
                                         const std::string& worker, std::uint64_t expected,
                                         std::uint64_t token) {
  own.sent_beat += 1;
  Action out;
  out.kind = shard.empty() ? Action::Kind::kWriteWorker : Action::Kind::kWriteShard;
  out.shard = shard;
  out.value = {worker, settings_.session, own.sent_beat, settings_.ttl, token};
  out.expected = expected;
  return out;
}

// One shard that is ours: keeps it, or notices that it is not.
void LeaseMachine::keep(const std::string& shard, Own& own, std::uint64_t now_ns,
                        std::vector<Action>& actions) {
  if (own.state == State::kReaching && now_ns >= own.sent_ns + ttl_ns() / 2) let_go(own);
  if (own.state == State::kStopped) {
    // Nobody else took it, and it is over by now for everyone.
    if (now_ns >= own.valid_until + ttl_ns()) return let_go(own);
    if (own.in_doubt || now_ns < own.write_due) return;
    own.write_due = now_ns + ttl_ns() / 10;
    actions.push_back(write(shard, own, {}, own.revision, std::max(own.token, own.floor)));
    return;
  }
  if (own.state != State::kHeld && own.state != State::kReturning) return;
  if (now_ns >= own.valid_until)
    return lose(shard, own, "the lease ran out: no beat was taken in time", actions);
  if (own.in_doubt || now_ns < own.write_due) return;
  own.write_due = now_ns + ttl_ns() / 4;
  actions.push_back(write(shard, own, settings_.worker, own.revision, own.token));
}

void LeaseMachine::share_out(std::uint64_t now_ns, std::vector<Action>& actions) {
  std::map<std::string, std::string> owners;
  for (const auto& [shard, own] : own_) owners[shard] = owner_of(shard, now_ns);
  const auto wanted = assign(owners, workers(now_ns));
  for (auto& [shard, own] : own_) {
    const bool is_mine = wanted.at(shard) == settings_.worker;
    if (own.state == State::kHeld && !is_mine) {
      own.state = State::kReturning;
      actions.push_back({Action::Kind::kStop,
                         shard,
                         {},
                         0,
                         own.token,
                         leaving_ ? "this worker leaves" : "another worker is due to have it"});
    } else if (own.state == State::kNone && is_mine && owners.at(shard).empty() &&
               now_ns >= own.write_due) {
      own.write_due = now_ns + ttl_ns() / 10;
      const auto found = seen_shards_.find(shard);
      const Seen before = found == seen_shards_.end() ? Seen() : found->second;
      const std::uint64_t token =
          std::max(next_token(bucket_created_ns_, before.revision, before.value), own.floor + 1);
      actions.push_back(write(shard, own, settings_.worker, before.revision, token));
    }
  }
}

// One that leaves says so first: then nothing more is due to it.
void LeaseMachine::beat_as_worker(std::uint64_t now_ns, std::vector<Action>& actions) {
  if (member_gone_ || now_ns < member_.write_due) return;
  const auto seen = seen_workers_.find(settings_.worker);
  const bool is_known = seen != seen_workers_.end();
  // A key of this name that is not ours and has not run out may be a twin's: wait and see.
  if (is_known && !is_ours(seen->second) && is_alive(seen->second, now_ns)) return;
  member_.write_due = now_ns + ttl_ns() / (leaving_ ? 10 : 4);
  actions.push_back(write({}, member_, leaving_ ? std::string() : settings_.worker,
                          is_known ? seen->second.revision : 0, 0));
}

std::vector<LeaseMachine::Action> LeaseMachine::step(std::uint64_t now_ns) {
  std::vector<Action> actions = std::exchange(pending_, {});
  for (auto& [shard, own] : own_) keep(shard, own, now_ns, actions);
  if (!has_seen_all_) return actions;
  beat_as_worker(now_ns, actions);
  // Nothing is reached for before the others can know that this worker is there.
  if (member_.revision != 0 || leaving_) share_out(now_ns, actions);
  return actions;
}

void LeaseMachine::wrote(const Action& action, Outcome outcome, std::uint64_t revision,
                         std::uint64_t sent_ns) {
  Own& own = action.kind == Action::Kind::kWriteWorker ? member_ : own_.at(action.shard);
  own.sent_ns = sent_ns;
  if (action.kind == Action::Kind::kWriteWorker) {
    if (outcome != Outcome::kTaken) return;  // the next beat has the revision that was seen by then
    confirm(own, revision);
    if (action.value.worker.empty()) member_gone_ = true;
    return;
  }
  if (outcome != Outcome::kTaken) {
    if (own.state == State::kNone) {
      // Another was first; or it is ours without our knowing, and will be shown.
      if (outcome == Outcome::kUnknown) own.state = State::kReaching;
    } else {
      own.in_doubt = true;
    }
    return;
  }
  confirm(own, revision);
  if (action.value.worker.empty()) return let_go(own);
  if (own.state == State::kNone) {
    own.state = State::kHeld;
    own.token = action.value.token;
    own.write_due = sent_ns + ttl_ns() / 4;
    pending_.push_back({Action::Kind::kStart, action.shard, {}, 0, own.token, {}});
  }
}

void LeaseMachine::stopped(const std::string& shard) {
  Own& own = own_.at(shard);
  if (own.state == State::kReturning) {
    own.state = State::kStopped;
    own.write_due = 0;
  } else if (own.state == State::kLost) {
    let_go(own);
  }
}

void LeaseMachine::outranked(const std::string& shard, std::uint64_t fence) {
  const auto found = own_.find(shard);
  if (found == own_.end()) return;
  Own& own = found->second;
  own.floor = std::max(own.floor, fence);
  if (own.state != State::kHeld || own.token > fence) return;
  own.state = State::kReturning;
  pending_.push_back({Action::Kind::kStop,
                      shard,
                      {},
                      0,
                      own.token,
                      "the read model was written under a higher token",
                      true});
}

bool LeaseMachine::has_left() const {
  if (!leaving_ || !member_gone_) return false;
  for (const auto& [shard, own] : own_)
    if (own.state != State::kNone) return false;
  return true;
}

}  // namespace sluice::hub
