// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hub/lease/lease_value.hpp"

namespace sluice::hub {

// Decides which shards this worker reads. It knows the bucket only by what it is shown, and time
// only as it is told (monotonic, of this machine): no two machines' clocks are ever compared.
//
// A lease is written with the expected revision of its key, so of two that reach for it one has it.
// Its owner may believe in it for 4/5 of its time since it *sent* the last beat that was taken;
// everyone else takes it for over when the key has not changed for the whole of its time since they
// *saw* the change. So the owner has stopped before another begins, unless it was paused; then the
// fencing token, which each batch's transaction compares, refuses what it still tries.
class LeaseMachine {
 public:
  struct Settings {
    std::string worker;
    std::string session;  // random, of this start
    std::chrono::milliseconds ttl{10'000};
  };
  LeaseMachine(Settings settings, const std::vector<std::string>& shards);

  // A new look at the bucket: what was known of it is forgotten. What is held of another life of
  // the bucket is lost.
  void look_anew(std::int64_t bucket_created_ns);
  // What a key holds now; nullopt: it was deleted, or holds no lease.
  void saw_shard(const std::string& shard, const std::optional<LeaseValue>& value,
                 std::uint64_t revision, std::uint64_t now_ns);
  void saw_worker(const std::string& worker, const std::optional<LeaseValue>& value,
                  std::uint64_t revision, std::uint64_t now_ns);
  // All that the bucket held has been shown: only now may something be reached for.
  void seen_all() { has_seen_all_ = true; }

  struct Action {
    enum class Kind {
      kWriteWorker,  // `value` under this worker's key, with `expected`
      kWriteShard,   // `value` under the shard's key, with `expected`
      kStart,        // begin to read `shard`, with `token`
      kStop,         // end it, and say stopped()
    };
    Kind kind = Kind::kStop;
    std::string shard;
    LeaseValue value;
    std::uint64_t expected = 0;  // revision; 0: the key must not be there
    std::uint64_t token = 0;
    std::string why;    // of kStop
    bool lost = false;  // of kStop: not given back of our own will
  };
  // What is to be done now; the caller does all of it and reports each write before the next step.
  std::vector<Action> step(std::uint64_t now_ns);
  enum class Outcome { kTaken, kConflict, kUnknown };
  void wrote(const Action& action, Outcome outcome, std::uint64_t revision, std::uint64_t sent_ns);
  void stopped(const std::string& shard);
  // The read model has seen `fence`, which is above this worker's token, although the lease is its
  // own: the bucket went back to an older copy of itself. The shard is given back, and whoever
  // takes it next goes above that.
  void outranked(const std::string& shard, std::uint64_t fence);

  void leave() { leaving_ = true; }  // gives all back, orderly
  bool has_left() const;
  // Another running worker has this one's name: set once, for ever.
  bool has_twin() const { return has_twin_; }

  struct ShardView {
    std::string owner;  // empty: none that lives
    bool here = false;  // this worker reads it
    std::uint64_t token = 0;
  };
  std::map<std::string, ShardView> shards(std::uint64_t now_ns) const;
  std::set<std::string> workers(std::uint64_t now_ns) const;  // that live, this one included

 private:
  struct Seen {
    std::optional<LeaseValue> value;
    std::uint64_t revision = 0;
    std::uint64_t at_ns = 0;
  };
  enum class State {
    kNone,
    kReaching,   // the write that would make it ours had no clear answer
    kHeld,       // read here
    kReturning,  // being stopped, to be given back; renewed meanwhile
    kLost,       // being stopped; no longer ours
    kStopped,    // was kReturning, reads no more: to be given back
  };
  struct Own {
    State state = State::kNone;
    std::uint64_t token = 0;
    std::uint64_t floor = 0;        // the highest that the read model is known to have seen
    std::uint64_t revision = 0;     // of our last write that was taken
    std::uint64_t valid_until = 0;  // ns
    std::uint64_t write_due = 0;    // ns
    std::uint64_t sent_beat = 0;    // of the last write that was tried
    std::uint64_t sent_ns = 0;
    bool in_doubt = false;  // an answer did not come, or was a conflict: the bucket will show
  };

  std::uint64_t ttl_ns() const;
  bool is_ours(const Seen& seen) const;
  bool is_alive(const Seen& seen, std::uint64_t now_ns) const;
  std::string owner_of(const std::string& shard, std::uint64_t now_ns) const;
  bool is_read_here(const Own& own) const;
  void let_go(Own& own);
  void beat_as_worker(std::uint64_t now_ns, std::vector<Action>& actions);
  void confirm(Own& own, std::uint64_t revision);
  void lose(const std::string& shard, Own& own, const std::string& why,
            std::vector<Action>& actions);
  void keep(const std::string& shard, Own& own, std::uint64_t now_ns, std::vector<Action>& actions);
  void share_out(std::uint64_t now_ns, std::vector<Action>& actions);
  Action write(const std::string& shard, Own& own, const std::string& worker,
               std::uint64_t expected, std::uint64_t token);

  const Settings settings_;
  std::int64_t bucket_created_ns_ = 0;
  bool has_seen_all_ = false;
  bool leaving_ = false;
  bool has_twin_ = false;
  std::map<std::string, Seen> seen_shards_;
  std::map<std::string, Seen> seen_workers_;
  std::map<std::string, Own> own_;  // by shard: all there are
  Own member_;                      // this worker's own key
  bool member_gone_ = false;        // it has said that it leaves
  std::vector<Action> pending_;     // starts and stops decided between steps
};

}  // namespace sluice::hub
