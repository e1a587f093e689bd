// SPDX-License-Identifier: Apache-2.0
#include "hub/api/reactors.hpp"

#include <algorithm>
#include <string>

#include "core/json.hpp"
#include "core/text.hpp"
#include "hub/deeds/operator_words.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using projection::Outbox;
namespace json = core::json;

namespace {

constexpr std::size_t kDeadMax = 1000;  // in one answer

ReactorHost* find(const Reactors& reactors, std::string_view name) {
  const auto found = std::find_if(reactors.begin(), reactors.end(),
                                  [&](const auto& one) { return one->reactor().name() == name; });
  return found == reactors.end() ? nullptr : found->get();
}

http::Response no_such_reactor() {
  return http::error_response(fail(Errc::kNotFound, "no such reactor", "reactor"));
}

json::array shards_of(const ReactorHost& host, const core::Clock& clock) {
  json::array out;
  for (const auto& feed : host.feeds()) {
    const FeedStatus status = feed->status();
    const std::uint64_t last = std::max(status.hub_last, status.position);
    out.push_back(
        json::object{{"shard", feed->shard()},
                     {"state", state_word(derive_state(progress_of(status, false, clock)))},
                     {"position", status.position},
                     {"hub_last", last},
                     {"lag", last - status.position},
                     {"last_error", status.last_error}});
  }
  return out;
}

Result<json::object> describe(ReactorHost& host, const core::Clock& clock) {
  const auto counts = host.with_outbox([](Outbox& outbox) { return outbox.counts(); });
  if (!counts) return counts.error();
  json::array reactions;
  for (const projection::OutboxCounts& one : *counts) {
    const SendingStatus sending = host.sending(one.reaction);
    reactions.push_back(json::object{
        {"reaction", one.reaction},
        {"kind",
         std::holds_alternative<projection::Email>(host.reactor().find(one.reaction)->message)
             ? "email"
             : "webhook"},
        {"waiting", one.waiting},
        {"oldest",
         one.oldest_ns == 0 ? json::value() : json::value(core::format_time(one.oldest_ns))},
        {"on_their_way", sending.on_their_way},
        {"paused", sending.paused},
        {"last_error", sending.last_error},
        {"made", one.made},
        {"sent", one.sent},
        {"failed", one.failed},
        {"dead", one.dead},
        {"dropped", one.dropped}});
  }
  return json::object{{"reactor", host.reactor().name()},
                      {"from", host.reactor().from_beginning() ? "beginning" : "now"},
                      {"shards", shards_of(host, clock)},
                      {"reactions", std::move(reactions)}};
}

http::Response list(const ReactorsApi& parts) {
  json::array out;
  for (const auto& host : parts.reactors) {
    auto one = describe(*host, parts.clock);
    if (!one) return http::error_response(one.error());
    out.push_back(std::move(*one));
  }
  return json_response(core::to_json(json::object{{"reactors", std::move(out)}}));
}

http::Response dead(const ReactorsApi& parts, const http::Request& request) {
  ReactorHost* host = find(parts.reactors, request.parameter("reactor"));
  if (host == nullptr) return no_such_reactor();
  const auto letters = host->with_outbox([](Outbox& outbox) { return outbox.dead(kDeadMax); });
  if (!letters) return http::error_response(letters.error());
  json::array out;
  for (const projection::DeadLetter& letter : *letters)
    out.push_back(json::object{{"key", letter.key},
                               {"reaction", letter.reaction},
                               {"stream", letter.stream},
                               {"type", letter.type},
                               {"why", letter.why},
                               {"attempts", letter.attempts},
                               {"made_at", core::format_time(letter.made_ns)},
                               {"dead_at", core::format_time(letter.dead_ns)}});
  return json_response(core::to_json(json::object{{"dead", std::move(out)}}));
}

// What an operator decides about one dead letter, or about all.
struct Deed {
  std::string key;  // empty: all
  std::string reason;
};

Result<Deed> parse_deed(std::string_view body, bool wants_reason) {
  const auto parsed = core::parse_json(body);
  if (!parsed) return parsed.error();
  if (!parsed->is_object()) return fail(Errc::kBadRequest, "the body must be a JSON object");
  Deed out;
  bool all = false;
  for (const auto& [name, value] : parsed->as_object()) {
    if (name == "key" && value.is_string() && !value.as_string().empty())
      out.key = value.as_string();
    else if (name == "all" && value.is_bool())
      all = value.as_bool();
    else if (name == "reason" && wants_reason && value.is_string())
      out.reason = value.as_string();
    else
      return fail(Errc::kBadRequest, "unknown field, or of a wrong type", std::string(name));
  }
  if (all == !out.key.empty())
    return fail(Errc::kBadRequest, "name the letter's key, or say \"all\": true", "key");
  if (wants_reason) SLUICE_TRY(check_reason(out.reason));
  return out;
}

http::Response decide(const ReactorsApi& parts, const http::Request& request, bool is_drop) {
  if (const auto sender = check_sender(request); !sender)
    return http::error_response(sender.error());
  ReactorHost* host = find(parts.reactors, request.parameter("reactor"));
  if (host == nullptr) return no_such_reactor();
  const auto deed = parse_deed(request.body, is_drop);
  if (!deed) return http::error_response(deed.error());
  const auto count = host->with_outbox([&](Outbox& outbox) {
    return is_drop ? outbox.drop(deed->key, deed->reason) : outbox.retry(deed->key);
  });
  if (!count) return http::error_response(count.error());
  if (*count == 0) return http::error_response(fail(Errc::kNotFound, "no such dead letter", "key"));
  json::object out{{"letters", *count}};
  json::object told{{"reactor", host->reactor().name()},
                    {"key", deed->key.empty() ? json::value() : json::value(deed->key)},
                    {"letters", *count},
                    {"by", request.peer}};
  if (is_drop) told["reason"] = deed->reason;
  const auto recorded = parts.audit.record(is_drop ? "LettersDropped" : "LettersRetried", told);
  out["event"] = recorded && *recorded;
  if (!recorded) out["event_error"] = core::to_string(recorded.error());
  return json_response(core::to_json(out));
}

}  // namespace

void add_reactors_api(Routes& routes, const ReactorsApi& parts) {
  routes.get("/v1/reactors", [parts](const http::Request&) { return list(parts); });
  routes.get("/v1/reactors/{reactor}/dead",
             [parts](const http::Request& request) { return dead(parts, request); });
  routes.post("/v1/reactors/{reactor}/retry",
              [parts](const http::Request& request) { return decide(parts, request, false); });
  routes.post("/v1/reactors/{reactor}/drop",
              [parts](const http::Request& request) { return decide(parts, request, true); });
}

MetricsGroup reactor_metrics(const Reactors& reactors, const core::Clock& clock) {
  return [&reactors, &clock](http::PrometheusText& out) -> Result<void> {
    struct Figures {
      std::string reactor;
      projection::OutboxCounts counts;
      SendingStatus sending;
    };
    std::vector<Figures> all;
    for (const auto& host : reactors) {
      auto counts = host->with_outbox([](Outbox& outbox) { return outbox.counts(); });
      if (!counts) return counts.error();
      for (projection::OutboxCounts& one : *counts) {
        const SendingStatus sending = host->sending(one.reaction);
        all.push_back({host->reactor().name(), std::move(one), sending});
      }
    }
    const auto family = [&](std::string_view name, std::string_view type, std::string_view help,
                            const auto& value) {
      out.family(name, type, help);
      for (const Figures& one : all)
        out.sample({{"reactor", one.reactor}, {"reaction", one.counts.reaction}}, value(one));
    };
    family("sluice_reactor_waiting", "gauge", "Letters that wait to be sent.",
           [](const Figures& one) { return one.counts.waiting; });
    family("sluice_reactor_oldest_seconds", "gauge", "Since the oldest of them was made.",
           [&](const Figures& one) {
             return one.counts.oldest_ns == 0
                        ? 0.0
                        : std::max(
                              0.0,
                              static_cast<double>(clock.wall_ns() - one.counts.oldest_ns) / 1e9);
           });
    family("sluice_reactor_dead", "gauge", "Dead letters: see `sluice reactor dead`.",
           [](const Figures& one) { return one.counts.dead; });
    family("sluice_reactor_paused", "gauge", "1 while the receiver is away or overloaded.",
           [](const Figures& one) { return std::uint64_t{one.sending.paused}; });
    family("sluice_reactor_sent_total", "counter", "Letters that their receiver took.",
           [](const Figures& one) { return one.counts.sent; });
    family("sluice_reactor_failed_total", "counter", "Tries that failed.",
           [](const Figures& one) { return one.counts.failed; });
    family("sluice_reactor_dropped_total", "counter", "Dead letters that an operator dropped.",
           [](const Figures& one) { return one.counts.dropped; });
    return {};
  };
}

}  // namespace sluice::hub
