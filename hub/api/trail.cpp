// SPDX-License-Identifier: Apache-2.0
#include "hub/api/trail.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"
#include "core/json.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"
#include "hub/api/row_json.hpp"
#include "hub/api/trail_search.hpp"
#include "hub/api/trail_words.hpp"
#include "projection/engine/fate.hpp"
#include "projection/model/touched.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

namespace {

constexpr double kSecond = 1e9;
constexpr std::chrono::milliseconds kRowDeadline{2'000};

struct Found {
  std::string shard;
  TrailFound at;
};

// "main:1234" of `next`, or nothing: which shard to go on in, and from where.
struct From {
  std::string shard;
  std::uint64_t sequence = 0;
};
Result<From> from_of(const http::Request& request) {
  From out;
  const auto text = request.query_value("from");
  if (!text) return out;
  const std::size_t colon = text->find(':');
  const auto bad = fail(Errc::kBadRequest, "from is the `next` of an answer before", "from");
  if (colon == std::string_view::npos) return bad;
  out.shard = text->substr(0, colon);
  const std::string_view digits = text->substr(colon + 1);
  const auto [end, why] =
      std::from_chars(digits.data(), digits.data() + digits.size(), out.sequence);
  if (why != std::errc() || end != digits.data() + digits.size() || out.sequence == 0) return bad;
  return out;
}

// Shard by shard; the last one looked through if it is in none. Stops where time ran out.
Result<Found> search(const TrailApi& parts, const WantedEvent& wanted, const From& from) {
  auto options = parts.connection;
  options.name = "sluice-hub trail";
  const auto connection = nats::Connection::connect(options);
  if (!connection) return connection.error();
  Found found;
  bool begun = from.shard.empty();
  for (const std::string& shard : parts.shards) {
    begun = begun || shard == from.shard;
    if (!begun) continue;
    TrailLimits limits;
    if (shard == from.shard) limits.from = from.sequence;
    auto at = search_trail(**connection, core::hub_stream_name(shard), wanted, limits);
    if (!at) return at.error();
    found = {shard, std::move(*at)};
    if (found.at.message || (found.at.to != 0 && found.at.to < found.at.last)) break;
  }
  if (!begun) return fail(Errc::kBadRequest, "this hub reads no such shard", "from");
  return found;
}

json::object describe_event(const core::EventView& event, const FoundMessage& message) {
  std::string text;
  codec::event_to_json(event, text);
  auto parsed = core::parse_json(text);
  json::object out = parsed && parsed->is_object() ? parsed->as_object() : json::object{};
  if (!parsed) out["data"] = nullptr;  // deeper than these documents go: sluice tail shows it
  out["identity"] = message.message_id;
  out["kind"] = event.type == core::kTypeGap && event.is_reserved() ? "gap" : "event";
  if (message.clock_ns != 0) out["clock_s"] = static_cast<double>(message.clock_ns) / kSecond;
  return out;
}

json::object describe_hub(const Found& found) {
  const FoundMessage& message = *found.at.message;
  return {{"shard", found.shard},
          {"hub_stream", core::hub_stream_name(found.shard)},
          {"sequence", message.sequence},
          {"stored_at", core::format_time(message.stored_ns)},
          {"subject", message.subject}};
}

double delay_s(const core::EventView& event, const FoundMessage& message) {
  const std::int64_t recorded_ns = event.recorded.wall_ns + message.clock_ns;
  return static_cast<double>(message.stored_ns - recorded_ns) / kSecond;
}

json::object describe_search(const Found& found) {
  json::object out{{"shard", found.shard}, {"read", found.at.read},   {"from", found.at.from},
                   {"to", found.at.to},    {"first", found.at.first}, {"last", found.at.last}};
  if (!found.at.message && found.at.to != 0 && found.at.to < found.at.last)
    out["next"] = found.shard + ":" + std::to_string(found.at.to + 1);
  return out;
}

// The row as it is now, if it is there: later events may have changed it.
Result<json::value> row_now(ModelVersion& version, const projection::TouchedRow& touched) {
  projection::QueryRequest request;
  request.table = touched.table;
  request.limit = 1;
  for (const auto& [column, value] : touched.key)
    request.filters.push_back({column, projection::QueryFilter::Op::kEq, value});
  const auto page = version.run(request, kRowDeadline);
  if (!page) return page.error();
  if (page->rows.empty()) return json::value(nullptr);
  std::string text;
  append_row(page->columns, page->rows.front(), text);
  return core::parse_json(text);
}

Result<json::array> rows_of(ModelVersion& version, const core::EventView& event,
                            std::int64_t clock_ns) {
  json::array out;
  for (const projection::TouchedRow& touched :
       projection::touched_rows(*version.definition(), event, clock_ns)) {
    json::object key;
    for (const auto& [column, value] : touched.key) key[column] = value;
    auto row = row_now(version, touched);
    if (!row) return row.error();
    out.push_back(
        json::object{{"table", touched.table}, {"key", std::move(key)}, {"row", std::move(*row)}});
  }
  return out;
}

// What became of an event in a model, and of its rows if the event is at hand.
struct Subject {
  core::Identity identity;
  std::optional<core::EventView> event;
  std::int64_t clock_ns = 0;
};

Result<json::object> in_model(ModelVersion& version, const Subject& subject) {
  const core::Identity& identity = subject.identity;
  auto target = projection::Target::open(version.place(), projection::Access::kRead);
  if (!target) return target.error();
  const auto fate = projection::read_fate(
      **target, {identity.gateway, identity.epoch, identity.lane}, identity.seq);
  if (!fate) return fate.error();
  json::object out{{"model", version.name()},
                   {"state", projection::fate_word(fate->kind)},
                   {"words", fate_words(*fate)}};
  if (fate->kind == projection::Fate::Kind::kParked) out["parked"] = fate->parked_kind;
  if (fate->hole_from != 0)
    out["hole"] = json::object{{"from", fate->hole_from}, {"to", fate->hole_to}};
  if (fate->since_ns != 0) out["since"] = core::format_time(fate->since_ns);
  if (!subject.event) return out;
  auto rows = rows_of(version, *subject.event, subject.clock_ns);
  if (!rows) return rows.error();
  if (rows->empty() && fate->kind == projection::Fate::Kind::kApplied)
    out["words"] = "The model has no rule for it, or finds its row in another table.";
  out["rows"] = std::move(*rows);
  return out;
}

json::array in_models(const ModelShelf& models, const Subject& subject) {
  json::array out;
  for (const auto& version : models.serving()) {
    auto one = in_model(*version, subject);
    if (!one)
      one = json::object{{"model", version->name()},
                         {"state", "unknown"},
                         {"words", core::to_string(one.error())}};
    out.push_back(std::move(*one));
  }
  return out;
}

json::value at_its_gateway(const TrailApi& parts, const core::Identity& identity) {
  const auto gateway = parts.reports.one(identity.gateway, parts.clock.wall_ns());
  if (!gateway)
    return json::object{{"gateway", identity.gateway},
                        {"state", "unknown"},
                        {"words", "The gateway has not reported."}};
  const AtGateway at = at_gateway(identity, gateway->report);
  return json::object{{"gateway", identity.gateway},
                      {"state", at.state},
                      {"words", at.words},
                      {"received_at", core::format_time(gateway->received_ns)}};
}

std::string not_found_words(const Found& found, const WantedEvent& wanted) {
  if (found.at.to != 0 && found.at.to < found.at.last)
    return "Not found so far: the hub stream was searched for as long as one answer may take.";
  if (wanted.identity) return "The hub stream does not have it.";
  return "The hub stream does not have it. It may still be on its way: an event id alone does not "
         "say from which gateway.";
}

http::Response trail(const TrailApi& parts, const http::Request& request) {
  const auto wanted = WantedEvent::parse(request.parameter("event"));
  if (!wanted) return http::error_response(wanted.error());
  const auto from = from_of(request);
  if (!from) return http::error_response(from.error());
  const auto found = search(parts, *wanted, *from);
  if (!found) return http::error_response(found.error());
  json::object out{{"found", found->at.message.has_value()}};
  std::optional<Subject> subject;
  if (wanted->identity) subject = Subject{*wanted->identity, {}, 0};
  if (found->at.message) {
    const FoundMessage& message = *found->at.message;
    json::object hub = describe_hub(*found);
    if (const auto event = codec::decode_event(message.body)) {
      // The subject is what the gate believes, the body must agree with it (docs/event-format.md).
      subject = Subject{{std::string(event->gateway), event->epoch, event->lane, event->seq, 0},
                        *event,
                        message.clock_ns};
      out["event"] = describe_event(*event, message);
      hub["delay_s"] = delay_s(*event, message);
    } else {  // found by its identity: what became of it is worth more than a refusal
      out["words"] = "The message that has this identity cannot be read as an event: " +
                     core::to_string(event.error());
    }
    out["hub"] = std::move(hub);
  } else {
    out["words"] = not_found_words(*found, *wanted);
  }
  if (subject) {
    const core::Identity& identity = subject->identity;
    out["asked"] = json::object{{"gateway", identity.gateway},
                                {"epoch", identity.epoch.text()},
                                {"lane", core::lane_name(identity.lane)},
                                {"seq", identity.seq}};
    out["gateway"] = at_its_gateway(parts, identity);
    out["models"] = in_models(parts.models, *subject);
  }
  out["search"] = describe_search(*found);
  return json_response(core::to_json(out));
}

}  // namespace

void add_trail_api(Routes& routes, const TrailApi& parts) {
  routes.get("/v1/events/{event}", [parts, one = std::make_shared<std::mutex>()](
                                       const http::Request& request) {
    const std::unique_lock searching(*one, std::try_to_lock);
    if (!searching)
      return http::error_response(fail(Errc::kBusy, "another event is looked for; try again"));
    return trail(parts, request);
  });
}

}  // namespace sluice::hub
