// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "projection/engine/engine.hpp"
#include "projection/engine/marks.hpp"
#include "projection/gate/gate.hpp"

namespace sluice::projection {

// In place of the gate: lets through what took effect in another database of the model, told by its
// marks, and nothing else; in the order that each lane had there, as late as it was there. So it
// needs neither gap records nor an operator, and does not care in which order the events come, from
// which hub stream. What has not its turn yet is held, up to the gate's bounds; the rest is read
// again. The store must have been new. One thread.
class MarkedGate {
 public:
  MarkedGate(GateStore& store, const GateSettings& settings) : store_(store), settings_(settings) {}

  // Those of the same database at a later time may follow. Then go_on().
  void set(const Marks& marks);
  // Takes what is held and has its turn by now.
  core::Result<Answer> go_on(GateSink& sink);
  // As Gate::offer(). What the marks do not have is answered with kDuplicate: offer it again when
  // they have moved on.
  core::Result<Answer> offer(const Arrival& arrival, GateSink& sink);
  // After a rollback: the store stands where it stood before.
  void rolled_back();
  // The event that each lane waits for; none of those that took effect there is missing: empty.
  std::vector<GatePoint> awaited() const;

 private:
  // One row of the other gate.
  struct Course {
    Mark mark;
    std::vector<core::Seq> settled;  // given up there, came after that, and applied by a retry
    bool has_turn(core::Seq seq) const;
    core::Seq next_turn(core::Seq from, core::Seq to) const;  // `to`: none below it
  };
  struct Turn {
    std::size_t course = 0;
    core::Seq from = 0;
    core::Seq to = 0;  // and not itself
    bool is_late = false;
    std::size_t place = 0;
  };
  struct LaneCourse {
    std::vector<Course> courses;
    std::vector<Turn> turns;
    std::size_t at = 0;
    bool is_stale = false;  // `at` is to be found again
  };
  struct Unstored {
    std::uint64_t hub_seq = 0;  // the lowest of them
    core::Seq seq = 0;          // the lowest of them
    bool is_asked = false;      // to be read again
  };
  using LaneKey = std::pair<std::string, core::Lane>;
  struct Less {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      const auto order = std::string_view(a.first) <=> std::string_view(b.first);
      return order != 0 ? order < 0 : a.second < b.second;
    }
  };

  static void plan(LaneCourse& lane, std::int64_t newest);
  LaneCourse* lane_of(const core::EventView& event);
  core::Result<GateRow*> row_of(const Course& course);
  core::Result<void> open(GateRow& row, const Course& course);
  core::Result<void> hold(GateRow& row, const Arrival& arrival, Answer& answer);
  core::Result<void> give_up(GateRow& row, core::Seq to);
  core::Result<void> take(GateRow& row, const Course& course, const Turn& turn,
                          const Applied& event, bool no_effect, GateSink& sink, Answer& answer);
  core::Result<bool> take_held(GateRow& row, const Course& course, const Turn& turn, GateSink& sink,
                               Answer& answer);
  core::Result<void> advance(LaneCourse& lane, GateSink& sink, Answer& answer);
  core::Result<void> drop_taken(GateRow& row);
  void ask_again(const GateRow& row, Answer& answer);

  GateStore& store_;
  GateSettings settings_;
  std::map<LaneKey, LaneCourse, Less> lanes_;
  std::pair<const LaneKey, LaneCourse>* last_ = nullptr;              // of the event before
  std::map<std::int64_t, std::map<std::string, Unstored>> unstored_;  // by row, by hub stream
};

}  // namespace sluice::projection
