// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <memory>

#include "cli/model.hpp"
#include "cli/model_replay.hpp"
#include "cli/nats_login.hpp"
#include "cli/stream_fold.hpp"
#include "cli/units.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"
#include "hub/verify/cell_json.hpp"
#include "projection/database/target.hpp"
#include "projection/query/table_diff.hpp"
#include "storage/scratch_folder.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

constexpr const char* kAbout =
    "A stream is all events of one entity of one gateway, in order of their version.";

constexpr const char* kDescription =
    "Reads the events of one stream from the hub and prints what they say, up to a version or a "
    "moment: the last value of each field with the version that gave it, and the newest events. "
    "With --model (or --file) also the rows that a read model makes of this stream's events "
    "alone.\n"
    "\n"
    "WHEN is a version, or a time: what the hub had stored by then. Without --at: all there is. "
    "Versions whose events the hub does not have (dropped at the edge, or purged) are named. Rows "
    "to which other streams contribute are not those of the hub's model; use `sluice model as-of` "
    "for these.";

constexpr const char* kExamples =
    " $ sluice stream state plant-7/pump/7 --at 41\n"
    " plant-7/pump/7 at version 41: 41 events, 2026-11-20T22:10:04Z to 2026-11-21T06:40:00Z\n"
    " FIELD  VALUE  VERSION\n"
    " bar      4.2       41\n"
    " mode    auto       17\n";

struct Options {
  ReplayChoice choice;
  std::string stream, at;
  std::uint64_t events = 10;
};

struct Asked {
  std::string gateway;
  core::StreamName stream;
  StreamFold::Limits limits;
};

Result<Asked> parse(const Options& given) {
  Asked out;
  const auto slash = given.stream.find('/');
  if (slash == std::string::npos)
    return fail(Errc::kBadRequest, "a stream is GATEWAY/CATEGORY/ENTITY", "STREAM");
  const auto gateway = core::GatewayId::parse(given.stream.substr(0, slash));
  if (!gateway) return gateway.error();
  const auto stream = core::StreamName::parse(given.stream.substr(slash + 1));
  if (!stream) return stream.error();
  out.gateway = gateway->text();
  out.stream = *stream;
  out.limits.newest = given.events;
  if (given.at.empty()) return out;
  std::uint64_t version = 0;
  const char* end = given.at.data() + given.at.size();
  if (const auto read = std::from_chars(given.at.data(), end, version);
      read.ec == std::errc() && read.ptr == end) {
    out.limits.version = version;
    return out;
  }
  const auto time = core::parse_time(given.at);
  if (!time)
    return fail(Errc::kBadRequest, "'" + core::printable(given.at) + "' is no version and no time",
                "--at");
  out.limits.stored_ns = *time;
  return out;
}

// Without a model: only the messages of its category are read.
Result<void> read_events(Program& program, const Options& given, const Asked& asked,
                         StreamFold& fold) {
  auto connection = connect_nats(program.nats, given.choice.login);
  if (!connection) return connection.error();
  const auto source = hub::nats_source(
      **connection, asked.gateway + ".*." + core::escape_token(asked.stream.category) + ".*");
  Progress progress(program.output, "stream", "messages", 0);
  std::uint64_t count = 0;
  std::vector<std::string> shards = given.choice.shards;
  if (shards.empty()) shards.emplace_back("main");
  for (const std::string& shard : shards) {
    SLUICE_TRY(source->seek(core::hub_stream_name(shard), 1));
    for (;;) {
      const auto batch = source->next();
      if (!batch) return batch.error();
      if (batch->empty()) break;
      for (const projection::Incoming& message : *batch) fold.hear(message);
      progress.advance_to(count += batch->size());
    }
  }
  return {};
}

Result<json::object> rows_in(const projection::Model& model, const std::filesystem::path& file) {
  auto target = projection::Target::open(file, projection::Access::kRead);
  if (!target) return target.error();
  json::object out;
  for (const projection::Table& table : model.tables()) {
    auto rows = projection::TableRows::open(**target, table);
    if (!rows) return rows.error();
    json::array list;
    for (;;) {
      const auto row = rows->next();
      if (!row) return row.error();
      if (*row == nullptr) break;
      json::object one;
      for (std::size_t i = 0; i < (*row)->size(); ++i) {
        const projection::Column& column =
            i < table.key.size() ? table.key[i] : table.columns[i - table.key.size()];
        one[column.name] = hub::cell_json((**row)[i], column.type);
      }
      list.push_back(std::move(one));
    }
    out[table.name] = std::move(list);
  }
  return out;
}

Result<json::object> read_with_model(Program& program, const Options& given, const Asked& asked,
                                     StreamFold& fold) {
  const auto model = load_model(program, given.choice);
  if (!model) return model.error();
  const auto folder = storage::ScratchFolder::make("stream");
  if (!folder) return folder.error();
  Build build;
  build.model = *model;
  build.until.stored_ns = asked.limits.stored_ns;
  build.into = folder->path() / "stream.db";
  build.subject = asked.gateway + ".>";
  build.only = [&](const core::EventView& event) { return fold.takes(event); };
  build.on_message = [&](const projection::Incoming& message) { fold.hear(message); };
  const auto built = build_model(program, given.choice, build);
  if (!built) return built.error();
  return rows_in(**model, build.into);
}

std::string value_text(const json::value& value) {
  if (value.is_null()) return "-";
  return value.is_string() ? core::printable(value.get_string()) : json_text(value);
}

std::string missing_words(const json::object& told) {
  std::string ranges;
  for (const json::value& one : told.at("missing_versions").get_array()) {
    const std::string from = json_text(one.at("from"));
    const std::string to = json_text(one.at("to"));
    ranges += (ranges.empty() ? "" : ", ") + from + (from == to ? "" : " to " + to);
  }
  return "INCOMPLETE: the hub has no event of " + json_text(told.at("missing")) + " versions (" +
         ranges + "); what they said is not in this";
}

void print(Output& output, const json::object& told) {
  output.line(std::string(told.at("stream").get_string()) + " at version " +
              json_text(told.at("version")) + ": " + json_text(told.at("events")) + " events, " +
              std::string(told.at("first_at").get_string()) + " to " +
              std::string(told.at("last_at").get_string()));
  if (told.at("missing").to_number<std::uint64_t>() != 0) output.line(missing_words(told));
  Table fields({"FIELD", "VALUE", "VERSION"});
  for (const auto& [name, field] : told.at("fields").get_object()) {
    const json::object& one = field.get_object();
    fields.add({core::printable(name), value_text(one.at("value")), json_text(one.at("version"))});
  }
  if (!told.at("fields").get_object().empty()) output.lines(fields.text());
  Table events({"VERSION", "TYPE", "AT", "DATA"});
  for (const json::value& event : told.at("newest").get_array()) {
    const json::object& one = event.get_object();
    events.add({json_text(one.at("version")), std::string(one.at("type").get_string()),
                std::string(one.at("at").get_string()),
                core::printable(json_text(one.at("data")))});
  }
  if (!told.at("newest").get_array().empty()) output.lines(events.text());
  if (!told.contains("rows")) return;
  for (const auto& [name, rows] : told.at("rows").get_object())
    for (const json::value& row : rows.get_array()) {
      std::string line(name);
      for (const auto& [column, value] : row.get_object())
        line += " " + std::string(column) + "=" + value_text(value);
      output.line(line);
    }
}

Result<void> state(Program& program, const Options& given) {
  const auto asked = parse(given);
  if (!asked) return asked.error();
  StreamFold fold(asked->gateway, asked->stream, asked->limits);
  json::object told;
  if (given.choice.model.empty() && given.choice.file.empty()) {
    SLUICE_TRY(read_events(program, given, *asked, fold));
    told = fold.json();
  } else {
    auto rows = read_with_model(program, given, *asked, fold);
    if (!rows) return rows.error();
    told = fold.json();
    told["rows"] = std::move(*rows);
  }
  if (fold.events() == 0)
    return fail(Errc::kNotFound, "the hub has no event of stream " + core::printable(given.stream) +
                                     (given.at.empty() ? "" : " up to there"));
  if (asked->limits.version && fold.version() < *asked->limits.version)
    return fail(Errc::kBadRequest,
                "the newest version of " + core::printable(given.stream) + " that the hub has is " +
                    std::to_string(fold.version()),
                "--at");
  if (program.output.json())
    program.output.document(told);
  else
    print(program.output, told);
  return {};
}

}  // namespace

void add_stream(Program& program) {
  CLI::App& stream = program.verb("stream", "one stream's events and what they add up to",
                                  {"sluice stream VERB ...", kAbout, ""});
  stream.require_subcommand(1);
  auto given = std::make_shared<Options>();
  CLI::App& verb =
      program.verb("state", "print the state of a stream at a version",
                   {"sluice stream state GATEWAY/CATEGORY/ENTITY [--at WHEN] [--model NAME]",
                    kDescription, kExamples},
                   &stream);
  verb.add_option("STREAM", given->stream, "The stream's full name.")->required();
  verb.add_option("--at", given->at, "A version or a time.")->type_name("WHEN");
  verb.add_option("--model", given->choice.model, "Also the rows that this model makes of it.")
      ->type_name("NAME");
  verb.add_option("--events", given->events, "How many of the newest events are printed.")
      ->type_name("N")
      ->check([](const std::string& text) { return check_whole_number(text, 0); })
      ->capture_default_str();
  add_replay_options(verb, given->choice);
  program.on_run(verb, [&program, given] {
    const auto done = state(program, *given);
    return done ? ExitCode::kOk : refuse_model(program, done.error(), "stream state");
  });
}

}  // namespace sluice::cli
