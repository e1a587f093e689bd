// SPDX-License-Identifier: Apache-2.0
#include "cli/model_replay.hpp"

#include <algorithm>
#include <charconv>

#include "cli/hub.hpp"
#include "cli/nats_login.hpp"
#include "core/clock.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"
#include "http/router.hpp"
#include "hub/api/decision_json.hpp"
#include "projection/query/query.hpp"

namespace sluice::cli {

using core::Errc;
using core::fail;
using core::Result;
namespace fs = std::filesystem;
namespace json = core::json;

namespace {

// Warnings of the library go to the person who asked.
class NoteLogger final : public core::Logger {
 public:
  explicit NoteLogger(Output& output) : output_(output) {}
  void write(Level level, std::string_view, std::string_view message, Fields) override {
    if (level <= Level::kWarning) output_.note(message);
  }

 private:
  Output& output_;
};

// Hands every message on that the inner source gives.
class HeardSource final : public hub::ReplaySource {
 public:
  HeardSource(std::unique_ptr<hub::ReplaySource> inner,
              std::function<void(const projection::Incoming&)> hear)
      : inner_(std::move(inner)), hear_(std::move(hear)) {}
  Result<hub::HubStreamFacts> facts(const std::string& hub_stream) override {
    return inner_->facts(hub_stream);
  }
  Result<void> seek(const std::string& hub_stream, std::uint64_t from) override {
    return inner_->seek(hub_stream, from);
  }
  Result<std::span<const projection::Incoming>> next() override {
    auto batch = inner_->next();
    if (batch && hear_)
      for (const projection::Incoming& message : *batch) hear_(message);
    return batch;
  }

 private:
  std::unique_ptr<hub::ReplaySource> inner_;
  std::function<void(const projection::Incoming&)> hear_;
};

// The shards that the hub reads into this model.
Result<std::vector<std::string>> shards_of(Program& program, const ReplayChoice& choice) {
  if (!choice.shards.empty()) return choice.shards;
  if (!choice.file.empty()) return std::vector<std::string>{"main"};
  const auto answer = Hub(program.hub).get("/v1/models/" + http::percent_encode(choice.model));
  if (!answer) return answer.error();
  std::vector<std::string> out;
  const json::object* document = answer->if_object();
  const json::value* shards = document != nullptr ? document->if_contains("shards") : nullptr;
  if (shards != nullptr && shards->is_array())
    for (const json::value& shard : shards->get_array())
      if (const json::object* one = shard.if_object(); one != nullptr)
        if (const json::value* name = one->if_contains("shard"); name && name->is_string())
          out.emplace_back(name->get_string());
  if (out.empty()) return fail(Errc::kCorrupt, "the hub's answer to a model has another form");
  return out;
}

Result<hub::ReplayBound> bound_of(const Instant& until, const std::vector<std::string>& shards,
                                  const std::string& shard) {
  hub::ReplayBound out;
  out.stored_ns = until.stored_ns;
  if (!until.position) return out;
  if (shards.size() > 1 && until.shard.empty())
    return fail(Errc::kBadRequest,
                "there are several shards: give a time, or the position as SHARD:POSITION");
  if (!until.shard.empty() && std::find(shards.begin(), shards.end(), until.shard) == shards.end())
    return fail(Errc::kBadRequest, "no shard '" + core::printable(until.shard) + "' is read");
  out.position = until.shard.empty() || until.shard == shard ? *until.position : 0;
  return out;
}

// When the hub stored the message at this position, or the next one that is still there.
// kBadRequest: there is none yet.
Result<std::int64_t> stored_at(hub::ReplaySource& source, const std::string& hub_stream,
                               std::uint64_t position) {
  const auto facts = source.facts(hub_stream);
  if (!facts) return facts.error();
  if (position > facts->last)
    return fail(Errc::kBadRequest, hub_stream + " ends at message " + std::to_string(facts->last) +
                                       ": there is no message " + std::to_string(position) +
                                       " yet (write now for all that there is)");
  SLUICE_TRY(source.seek(hub_stream, position));
  const auto messages = source.next();
  if (!messages) return messages.error();
  return messages->empty() ? INT64_MAX : messages->front().hub_time_ns;
}

// A member of the hub's answer to decisions.
Result<json::array> list_at(const json::value& answer, const char* name) {
  const json::object* document = answer.if_object();
  const json::value* list = document != nullptr ? document->if_contains(name) : nullptr;
  if (list == nullptr || !list->is_array())
    return fail(Errc::kCorrupt, "the hub's answer to decisions has another form");
  return list->get_array();
}

// What operators had decided by then in the hub's model: about parked events, and which holes they
// had stepped over.
Result<projection::Query::Decided> decided_until(Program& program, const ReplayChoice& choice,
                                                 const std::string& model, std::int64_t stored_ns) {
  projection::Query::Decided out;
  const auto answer =
      Hub(program.hub).get("/v1/definitions/" + http::percent_encode(model) + "/decisions");
  if (!answer) {
    // With a file the hub is not needed for anything else, and may not know the model.
    if (choice.file.empty()) return answer.error();
    program.output.note("what operators decided is not known here: " + answer.error().message);
    return out;
  }
  const auto decisions = list_at(*answer, "decisions");
  if (!decisions) return decisions.error();
  for (const json::value& told : *decisions) {
    auto decision = hub::parse_decision(told);
    if (!decision) return decision.error();
    if (decision->at_ns <= stored_ns) out.decisions.push_back(std::move(*decision));
  }
  const auto skipped = list_at(*answer, "skipped");
  if (!skipped) return skipped.error();
  for (const json::value& told : *skipped) {
    auto hole = hub::parse_skipped(told);
    if (!hole) return hole.error();
    if (hole->at_ns <= stored_ns) out.skipped.push_back(std::move(*hole));
  }
  return out;
}

Result<Built> build(Program& program, const ReplayChoice& choice, const Build& build,
                    const fs::path& file) {
  const auto shards = shards_of(program, choice);
  if (!shards) return shards.error();
  auto connection = connect_nats(program.nats, choice.login);
  if (!connection) return connection.error();
  const core::SystemClock clock;
  NoteLogger log(program.output);
  projection::EngineSettings settings;
  settings.only = build.only;
  auto engine = projection::Engine::open(build.model, file, clock, log, settings);
  if (!engine) return engine.error();
  HeardSource source(hub::nats_source(**connection, build.subject), build.on_message);
  Progress progress(program.output, "replay", "messages", 0);
  hub::ReplayOptions options;
  options.progress = [&](std::uint64_t messages) { progress.advance_to(messages); };
  hub::Replay replay(**engine, source, std::move(options));
  Built out;
  std::vector<hub::ReplayBound> bounds;
  std::int64_t until_ns = build.until.stored_ns.value_or(INT64_MAX);
  for (const std::string& shard : *shards) {
    const auto bound = bound_of(build.until, *shards, shard);
    if (!bound) return bound.error();
    bounds.push_back(*bound);
    if (!bound->position || *bound->position == 0) continue;
    const auto stored = stored_at(source, core::hub_stream_name(shard), *bound->position);
    if (!stored) return stored.error();
    until_ns = std::min(until_ns, *stored);
  }
  const auto decided = decided_until(program, choice, build.model->name(), until_ns);
  if (!decided) return decided.error();
  const auto taken = (*engine)->take_over(decided->decisions);
  if (!taken) return taken.error();
  SLUICE_TRY((*engine)->take_over_skips(decided->skipped));
  for (std::size_t i = 0; i < shards->size(); ++i) {
    const std::string name = core::hub_stream_name((*shards)[i]);
    const auto end = replay.read(name, bounds[i]);
    if (!end) return end.error();
    out.places.push_back({name, *end});
  }
  out.messages = replay.messages();
  const auto totals = (*engine)->totals();
  if (!totals) return totals.error();
  out.applied = totals->applied;
  out.parked = totals->parked;
  const auto lanes = (*engine)->lanes(SIZE_MAX);
  if (!lanes) return lanes.error();
  for (const projection::LaneState& lane : *lanes) out.held += lane.held;
  return out;
}

void remove_database(const fs::path& file) {
  std::error_code ignored;
  for (const char* ending : {"", "-wal", "-shm"}) fs::remove(file.string() + ending, ignored);
}

}  // namespace

void add_replay_options(CLI::App& verb, ReplayChoice& choice) {
  verb.add_option("--file", choice.file, "The definition, instead of the one that the hub serves.")
      ->type_name("FILE");
  verb.add_option("--shard", choice.shards,
                  "A shard to read; repeatable. Without it: those that the hub reads, or main with "
                  "--file.")
      ->type_name("NAME")
      ->allow_extra_args(false);
  add_login_options(verb, choice.login);
}

Result<Instant> parse_instant(const std::string& text) {
  Instant out;
  if (text == "now") return out;
  std::string_view number = text;
  if (const auto colon = text.find(':'); colon != std::string::npos) {
    const std::string_view before = std::string_view(text).substr(0, colon);
    if (core::is_shard_name(before) &&
        before.find_first_of("abcdefghijklmnopqrstuvwxyz") != std::string_view::npos) {
      out.shard = before;
      number = number.substr(colon + 1);
    }
  }
  std::uint64_t position = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), position);
  if (error == std::errc() && end == number.data() + number.size()) {
    out.position = position;
    return out;
  }
  if (out.shard.empty()) {
    const auto time = core::parse_time(text);
    if (time) {
      const std::int64_t now = core::SystemClock().wall_ns();
      if (*time > now)
        return fail(Errc::kBadRequest, text + " is in the future: it is " + core::format_time(now) +
                                           " here (write now for all that there is)");
      out.stored_ns = *time;
      return out;
    }
  }
  return fail(Errc::kBadRequest,
              "'" + core::printable(text) +
                  "' is neither a time (2026-11-21T14:00:00Z), a position of a hub stream (641, "
                  "plant:641), nor now");
}

Result<std::shared_ptr<const projection::Model>> load_model(Program& program,
                                                            const ReplayChoice& choice) {
  if (!choice.file.empty()) {
    auto model = projection::Model::load(choice.file);
    if (!model || choice.model.empty() || (*model)->name() == choice.model) return model;
    return fail(Errc::kBadRequest, choice.file + " defines model " + (*model)->name() + ", not " +
                                       core::printable(choice.model));
  }
  const auto answer = Hub(program.hub).get("/v1/definitions/" + http::percent_encode(choice.model));
  if (!answer) return answer.error();
  const json::object* document = answer->if_object();
  const json::value* text = document != nullptr ? document->if_contains("text") : nullptr;
  if (text == nullptr || !text->is_string())
    return fail(Errc::kCorrupt, "the hub's answer to a definition has another form");
  return projection::Model::parse(std::string_view(text->get_string()),
                                  choice.model + ".model.toml");
}

Result<Built> build_model(Program& program, const ReplayChoice& choice, const Build& given) {
  std::error_code error;
  if (fs::exists(given.into, error))
    return fail(Errc::kBadRequest, given.into.string() + " is there already; name a new file");
  const fs::path part = given.into.string() + ".part";
  remove_database(part);
  auto built = build(program, choice, given, part);
  if (!built) {
    remove_database(part);
    return built;
  }
  fs::rename(part, given.into, error);
  if (error) return fail(Errc::kIo, "cannot make " + given.into.string() + ": " + error.message());
  return built;
}

json::object built_json(const Built& built) {
  json::array places;
  for (const Built::Place& place : built.places) {
    json::object one{{"hub_stream", place.hub_stream}, {"position", place.end.position}};
    if (place.end.stored_ns != 0) one["stored_at"] = core::format_time(place.end.stored_ns);
    places.push_back(std::move(one));
  }
  return {{"positions", std::move(places)},
          {"messages", built.messages},
          {"applied", built.applied},
          {"held", built.held},
          {"parked", built.parked}};
}

std::string built_text(const Built& built) {
  std::string out;
  for (const Built::Place& place : built.places) {
    out += out.empty() ? "" : "\n";
    out += place.hub_stream + ": ";
    if (place.end.position == 0)
      out += "nothing";
    else
      out += "up to message " + std::to_string(place.end.position) + ", stored " +
             core::format_time(place.end.stored_ns);
  }
  if (built.held != 0)
    out += "\n" + with_thousands(built.held) + " events wait behind holes and have no effect here";
  if (built.parked != 0)
    out += "\n" + with_thousands(built.parked) + " events are parked and have no effect here";
  return out;
}

}  // namespace sluice::cli
