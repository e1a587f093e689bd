// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/result.hpp"
#include "projection/engine/rows.hpp"
#include "projection/gate/gate.hpp"
#include "projection/model/extract.hpp"
#include "projection/model/layout.hpp"
#include "projection/model/model.hpp"

namespace sluice::projection {

// What a model's rules make of single events, upon rows in memory: the one meaning of its
// operations, whatever the database. One thread.
class Evaluator {
 public:
  // `rows` must have the tables of shapes(), in that order, and outlive this.
  Evaluator(const Model& model, Rows& rows);
  static std::vector<TableShape> shapes(const Model& model);

  // Empty: done, or the model has no rule for it. Else why the event is outside the value domain;
  // then nothing of it is in the rows. Errors are those of the medium.
  core::Result<std::string> run(const Applied& applied);
  // Of the last run() that was not done: the event came later than its window's bound. Then its
  // stream need not wait for it.
  bool was_too_late() const { return too_late_; }
  void forget_verdict() { too_late_ = false; }  // before an event that may never come to run()
  // Tells Rows which rows the event is going to need, so that they can be loaded together. What it
  // cannot tell is loaded when it is needed.
  void announce(const core::EventView& event, std::int64_t clock_ns);

 private:
  struct Bound {  // a rule of a table
    const Table* table;
    const Layout* layout;
    const Rule* rule;
    std::size_t index;  // of the table
  };
  // What of a rule the event at hand takes part in.
  enum class Part : std::uint8_t { kNone, kAll, kCountLate };
  // One rule's part of the event at hand.
  struct Step {
    const Bound* bound = nullptr;
    Part part = Part::kNone;
    std::vector<Value> key;
    std::vector<Value> values;  // of the rule's operations; of an append its JSON
    std::vector<bool> used;     // which of them take part
  };
  struct Watermark {
    Row* row;
    std::int64_t at;
  };
  struct Names {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  template <class Visit>
  core::Result<void> each_rule(const core::EventView& event, Visit&& visit);
  // evaluator_reading.cpp
  core::Result<void> read(Step& step);
  core::Result<bool> read_key(Step& step);  // false: the rule takes no part
  core::Result<bool> read_operation(Step& step, const Operation& operation);
  core::Result<Value> read_append(const Operation& operation, const Column& column, bool& used);
  // nullopt: the rule takes no part.
  core::Result<std::optional<Value>> value(const Source& source, Type type);
  core::Result<std::optional<Value>> looked_up(const Lookup& lookup);
  core::Result<bool> read_lookup_key(const Lookup& lookup);
  core::Result<void> judge_time(Step& step);
  void watermark_key(const Table& table);  // into lookup_key_
  void announce_lookup(const Source& source);
  Value keep(std::string text);

  core::Result<std::string> execute(const Step& step);
  core::Result<bool> fits_row(const Step& step, const Row& row);
  bool count_late(const Step& step, Row& row);
  bool append(const Step& step, Row& row, std::size_t operation);
  void remove(const Step& step, Row& row);
  void create(const Step& step, Row& row);
  // False: a sum would leave its domain; `column` says which.
  bool change(const Step& step, Row& row, std::size_t& column);
  bool change_one(const Step& step, Row& row, std::size_t operation);
  void take_latest(const Step& step, Row& row);
  void raise(Row& row, std::size_t order_column);
  bool is_newer(const Bound& bound, const Row& row, std::size_t group);
  bool is_not_newer_than(const Row& row, std::size_t order_column) const;

  Rows& rows_;
  std::vector<std::unique_ptr<Layout>> layouts_;
  std::vector<std::unique_ptr<Bound>> bounds_;
  boost::unordered_flat_map<std::string, std::vector<const Bound*>, Names, std::equal_to<>>
      by_type_;
  std::vector<Step> steps_;       // kept between events for their memory
  std::vector<std::size_t> won_;  // `latest` groups that the step at hand wins
  Extractor extractor_;
  std::vector<Value> lookup_key_;
  std::deque<std::string> kept_;            // texts that values of the event at hand point to
  std::vector<Watermark> watermarks_;       // what the event at hand makes of them
  const core::EventView* event_ = nullptr;  // at hand
  std::int64_t clock_ns_ = 0;
  std::int64_t epoch_order_ = 0;
  bool is_late_ = false;
  bool too_late_ = false;
};

}  // namespace sluice::projection
