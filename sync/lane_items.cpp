// SPDX-License-Identifier: Apache-2.0
#include "sync/lane_items.hpp"

#include <algorithm>

namespace sluice::sync {

using core::Errc;
using core::fail;
using core::Result;

// What an outbox asks of the world, answered at once by the log's reader.
class LaneItems::World final : public Effects {
 public:
  World(storage::LogReader& log, const core::Clock& clock) : log_(log), clock_(clock) {}

  struct Wish {
    std::uint64_t ticket = 0;
    core::Seq from = 0;
    std::size_t rows = 0;
    std::size_t bytes = 0;
  };
  std::optional<Wish> take_wish() { return std::exchange(wish_, std::nullopt); }
  storage::LogReader& log() { return log_; }

  void read(core::Lane, std::uint64_t ticket, core::Seq from, std::size_t rows,
            std::size_t bytes) override {
    wish_ = Wish{ticket, from, rows, bytes};
  }
  core::Recorded recorded() override {
    return {clock_.wall_ns(), clock_.boot(), clock_.monotonic_ns(), clock_.trusted()};
  }
  // Only the boot that it was recorded in can be compared with now.
  std::int64_t clock_correction(const core::Recorded& then) override {
    if (!clock_.trusted() || then.boot != clock_.boot()) return 0;
    const auto now_ns = clock_.wall_ns() - static_cast<std::int64_t>(clock_.monotonic_ns());
    return now_ns - (then.wall_ns - static_cast<std::int64_t>(then.monotonic_ns));
  }
  // An outbox asks for nothing else.
  void ask_anchor(core::Lane, const std::string&, const std::string&) override {}
  void publish(core::Lane, std::uint64_t, const Outgoing&) override {}
  void rewound_by_hub(core::Lane, const Rewind&) override {}
  void went_back(core::Lane, core::Seq, const std::string&) override {}
  void close_session(core::Error) override {}
  void record_acks(core::Lane, std::vector<storage::Anchor>) override {}
  void rewind(core::Lane, core::Seq) override {}
  void set_aside(core::Lane, const storage::SetAside&) override {}
  void alarm(std::string_view, const std::string&) override {}
  std::uint64_t random_below(std::uint64_t) override { return 0; }

 private:
  storage::LogReader& log_;
  const core::Clock& clock_;
  std::optional<Wish> wish_;
};

LaneItems::LaneItems() = default;
LaneItems::~LaneItems() = default;

Result<std::unique_ptr<LaneItems>> LaneItems::open(storage::LogReader& log, const Address& address,
                                                   core::Lane lane, const core::Clock& clock) {
  std::unique_ptr<LaneItems> out(new LaneItems);
  out->lane_ = lane;
  auto state = log.lane_state(lane);
  if (!state) return state.error();
  auto epochs = log.epochs(lane);
  if (!epochs) return epochs.error();
  auto set_aside = log.set_aside(lane);
  if (!set_aside) return set_aside.error();
  out->state_ = *state;
  if (!epochs->empty() && epochs->front().opened.previous)
    out->epochs_.push_back(epochs->front().opened.previous);
  for (const auto& epoch : *epochs) out->epochs_.push_back(epoch.epoch);
  out->world_ = std::make_unique<World>(log, clock);
  out->outbox_ = std::make_unique<Outbox>(address, lane, *out->world_);
  out->outbox_->set_log(History(std::move(*epochs)), std::move(*set_aside));
  out->outbox_->set_range(state->first, state->last);
  out->start_behind(state->acked);
  return out;
}

const History& LaneItems::history() const {
  return outbox_->history();
}
void LaneItems::start_behind(core::Seq acked) {
  outbox_->rewind(acked);
}
void LaneItems::start_at(core::Seq seq) {
  outbox_->restart(seq);
}
core::Seq LaneItems::position() const {
  return outbox_->next();
}

Result<std::optional<Item>> LaneItems::next() {
  for (;;) {
    if (outbox_->peek() != nullptr) return std::optional(outbox_->take());
    if (const auto wish = world_->take_wish(); wish) {
      auto& log = world_->log();
      auto rows = log.read_lane(lane_, wish->from, wish->rows, wish->bytes);
      if (rows && (rows->empty() || rows->front().seq > wish->from)) {
        // Trimmed meanwhile, or missing: the log's own first seq tells which.
        if (const auto now = log.lane_state(lane_); now)
          outbox_->set_range(now->first, std::min(state_.last, now->last));
      }
      outbox_->rows(wish->ticket, std::move(rows));
      continue;
    }
    if (const auto damaged = outbox_->damaged(); damaged) {
      outbox_->add_set_aside(*damaged);  // for this reading only: the log's writer finds it itself
      outbox_->restart(outbox_->next());
      continue;
    }
    if (outbox_->failure()) return *outbox_->failure();
    if (outbox_->empty()) return std::optional<Item>();
    return fail(Errc::kInternal,
                "the log's reader stands still at seq " + std::to_string(outbox_->next()));
  }
}

}  // namespace sluice::sync
