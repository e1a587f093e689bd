// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "hub/metrics/metrics.hpp"
#include "hub/versions/known_states.hpp"
#include "hub/workers/elsewhere.hpp"

namespace sluice::hub {

namespace {

using http::PrometheusText;

struct ModelFigures {
  std::string name;
  projection::EngineTotals totals;
  std::uint64_t holds = 0;
  std::int64_t oldest_hold_ns = 0;
  std::uint64_t held = 0;
  bool blocked = false;
  std::uint64_t age_s = 0;
  bool away = false;  // its database does not answer: only its feeds are known
  std::vector<std::pair<std::string, FeedStatus>> feeds;  // by shard
};

core::Result<ModelFigures> figures_of(const KnownState& model, const Elsewhere& elsewhere,
                                      const core::Clock& clock) {
  ModelFigures out;
  out.name = model.version->name();
  for (const auto& feed : model.version->feeds())
    if (!elsewhere.has(feed->shard())) out.feeds.emplace_back(feed->shard(), feed->status());
  if (!model.state) {
    if (model.state.error().code != core::Errc::kUnavailable) return model.state.error();
    out.away = true;
    return out;
  }
  const EngineState& known = **model.state;
  out.age_s = known.age_s(clock);
  out.totals = known.totals;
  out.holds = known.holes.size();
  out.blocked = known.blocked();
  for (const projection::Hole& hole : known.holes)
    if (out.oldest_hold_ns == 0 || hole.since_ns < out.oldest_hold_ns)
      out.oldest_hold_ns = hole.since_ns;
  for (const projection::LaneState& lane : known.lanes) out.held += lane.held;
  return out;
}

template <class Value>
void per_feed(PrometheusText& out, const std::vector<ModelFigures>& models, std::string_view name,
              std::string_view type, std::string_view help, const Value& value) {
  out.family(name, type, help);
  for (const ModelFigures& model : models)
    for (const auto& [shard, status] : model.feeds)
      out.sample({{"model", model.name}, {"shard", shard}}, value(status));
}

template <class Value>
void per_model(PrometheusText& out, const std::vector<ModelFigures>& models, std::string_view name,
               std::string_view type, std::string_view help, const Value& value) {
  out.family(name, type, help);
  for (const ModelFigures& model : models)
    if (!model.away) out.sample({{"model", model.name}}, value(model));
}

void write_feeds(PrometheusText& out, const std::vector<ModelFigures>& models,
                 const core::Clock& clock) {
  per_feed(out, models, "sluice_hub_position", "gauge", "Hub-stream sequence read last.",
           [](const FeedStatus& feed) { return feed.position; });
  per_feed(out, models, "sluice_hub_stream_last", "gauge", "Last hub-stream sequence known.",
           [](const FeedStatus& feed) { return std::max(feed.hub_last, feed.position); });
  per_feed(out, models, "sluice_hub_lag_events", "gauge", "Messages not read yet.",
           [](const FeedStatus& feed) {
             return feed.hub_last > feed.position ? feed.hub_last - feed.position
                                                  : std::uint64_t{0};
           });
  per_feed(out, models, "sluice_hub_lag_seconds", "gauge",
           "Age of the message read last, while others wait.",
           [&](const FeedStatus& feed) { return lag_seconds(feed, clock); });
  per_feed(out, models, "sluice_hub_connected", "gauge", "1 while a consumer is open.",
           [](const FeedStatus& feed) { return std::uint64_t{feed.connected}; });
  per_feed(out, models, "sluice_hub_caught_up", "gauge", "1 while nothing is left to read.",
           [&](const FeedStatus& feed) {
             return std::uint64_t{progress_of(feed, false, clock).caught_up()};
           });
  per_feed(out, models, "sluice_hub_read_total", "counter", "Messages read since the start.",
           [](const FeedStatus& feed) { return feed.read; });
  per_feed(out, models, "sluice_hub_begun_anew_total", "counter",
           "Times that a hub stream was read from its first message again.",
           [](const FeedStatus& feed) { return feed.begun_anew; });
  out.family("sluice_hub_state", "gauge", "1 for the state that the model is in.");
  for (const ModelFigures& model : models)
    for (const auto& [shard, status] : model.feeds)
      for (const ModelState state :
           {ModelState::kRunning, ModelState::kLagging, ModelState::kStalled, ModelState::kBlocked})
        out.sample({{"model", model.name}, {"shard", shard}, {"state", state_word(state)}},
                   std::uint64_t{derive_state(progress_of(status, model.blocked, clock)) == state});
}

void write_models(PrometheusText& out, const std::vector<ModelFigures>& models,
                  std::int64_t now_ns) {
  per_model(out, models, "sluice_hub_figures_age_seconds", "gauge",
            "Since the model's database gave the figures that follow; grows while it hangs.",
            [](const ModelFigures& model) { return model.age_s; });
  per_model(out, models, "sluice_hub_applied_total", "counter",
            "Events that the gate let through since the database was made.",
            [](const ModelFigures& model) { return model.totals.applied; });
  per_model(out, models, "sluice_hub_holds", "gauge", "Holes that events wait behind.",
            [](const ModelFigures& model) { return model.holds; });
  per_model(out, models, "sluice_hub_oldest_hold_seconds", "gauge",
            "Since the oldest hole holds events back; 0 if there is none.",
            [&](const ModelFigures& model) {
              return model.oldest_hold_ns == 0
                         ? 0.0
                         : static_cast<double>(now_ns - model.oldest_hold_ns) / 1e9;
            });
  per_model(out, models, "sluice_hub_held_events", "gauge", "Events that wait behind holes.",
            [](const ModelFigures& model) { return model.held; });
  per_model(out, models, "sluice_hub_parked", "gauge", "Events put aside, the late ones included.",
            [](const ModelFigures& model) { return model.totals.parked; });
  per_model(out, models, "sluice_hub_late", "gauge", "Events that came after they were given up.",
            [](const ModelFigures& model) { return model.totals.late; });
  per_model(out, models, "sluice_hub_old_epoch_total", "counter",
            "Events that took effect late, of an epoch that is not their gateway's newest.",
            [](const ModelFigures& model) { return model.totals.old_epoch; });
  per_model(out, models, "sluice_hub_refused_total", "counter",
            "Messages that named another gateway or could not be read.",
            [](const ModelFigures& model) { return model.totals.refused; });
}

void write_away(PrometheusText& out, const std::vector<ModelFigures>& models,
                const std::vector<ModelShelf::Away>& unopened) {
  out.family("sluice_hub_away", "gauge", "1 while the model's database does not answer.");
  for (const ModelFigures& model : models)
    out.sample({{"model", model.name}}, std::uint64_t{model.away});
  for (const ModelShelf::Away& one : unopened) out.sample({{"model", one.model}}, std::uint64_t{1});
}

}  // namespace

MetricsGroup model_metrics(const ModelShelf& models, const LeaseKeeper* leases,
                           const core::Clock& clock) {
  return [&models, leases, &clock](PrometheusText& out) -> core::Result<void> {
    std::vector<ModelFigures> figures;
    const Elsewhere elsewhere(leases);
    for (const KnownState& model : known_states(models.serving())) {
      auto of_model = figures_of(model, elsewhere, clock);
      if (!of_model) return of_model.error();
      figures.push_back(std::move(*of_model));
    }
    write_feeds(out, figures, clock);
    write_models(out, figures, clock.wall_ns());
    write_away(out, figures, models.away());
    return {};
  };
}

}  // namespace sluice::hub
