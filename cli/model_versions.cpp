// SPDX-License-Identifier: Apache-2.0
// `sluice model list|rebuild|rollback|reload`: which versions of a model there are, and which
// serves.
#include <chrono>
#include <memory>
#include <thread>

#include "cli/hub.hpp"
#include "cli/json_field.hpp"
#include "cli/model.hpp"
#include "http/router.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

constexpr const char* kAboutVersions =
    "A model whose definition says a higher version is built anew beside the one that is served. "
    "When it has caught up and a sample of it was checked, it takes the other's place at once; the "
    "other is kept, to go back to.";

constexpr const char* kListExamples =
    " $ sluice model list\n"
    " MODEL  SERVING  STATE    BUILDING  PROGRESS                       KEPT  PROBLEM\n"
    " pumps  2        running  3         reading 41.5%, 52,310/s, 22 s  1     -\n";

constexpr const char* kRebuildText =
    "Builds the served version anew from the hub's events beside the one that serves, as after "
    "`sluice model verify` found a difference; readers notice nothing but the switch. Where a "
    "version under construction, or one that returns, cannot get on, that one is built anew. With "
    "--accept it serves although it parks more events than the serving one, or shows an event "
    "that was given up since it served.";

constexpr const char* kRebuildExamples =
    " $ sluice model rebuild pumps --reason 'verify found 3 rows' --wait\n"
    " version 2.2 of pumps serves\n";

constexpr const char* kRollbackText =
    "Feeds a kept version until it has caught up, and lets it serve again: the one that served "
    "last, or the one that --to names. A second time goes forward again. What is being built is "
    "given up. The model file is not changed, and its version is not taken again by itself.";

constexpr const char* kRollbackExamples =
    " $ sluice model rollback pumps --reason 'averages are wrong' --wait\n"
    " version 1 of pumps serves\n";

constexpr const char* kReloadText =
    "Makes the hub read its model files again, as `systemctl reload sluice-hub` does: new models "
    "and higher versions are taken. What is wrong with a file is printed; what is served goes on.";

constexpr auto kLook = std::chrono::milliseconds(500);

struct Change {
  std::string model, reason, to;
  bool accept = false;
  bool wait = false;
};

const json::object* building_of(const json::object& model) {
  const json::value* building = model.if_contains("building");
  return building != nullptr ? building->if_object() : nullptr;
}

// "reading 41.5%, 52,310/s, 22 s left", or why it does not get on.
std::string progress_words(const json::object& building) {
  std::string out = cell_at(building, "state") + " " + cell_at(building, "percent") + "%";
  if (const auto rate = number_at(building, "rate"); rate > 0)
    out += ", " + with_thousands(rate) + "/s";
  if (const std::string eta = cell_at(building, "eta_s"); eta != "-") out += ", " + eta + " s left";
  if (const std::string why = cell_at(building, "why"); why != "-") out += ": " + why;
  return out;
}

std::string kept_words(const json::object& model) {
  const json::value* kept = model.if_contains("kept");
  std::string out;
  if (kept != nullptr && kept->is_array())
    for (const json::value& one : kept->get_array())
      if (one.is_object()) out += (out.empty() ? "" : ", ") + cell_at(one.get_object(), "version");
  return out.empty() ? "-" : out;
}

Result<json::array> models_of(const Result<json::value>& answer) {
  if (!answer) return answer.error();
  const json::object* document = answer->if_object();
  const json::value* models = document != nullptr ? document->if_contains("models") : nullptr;
  if (models == nullptr || !models->is_array())
    return fail(Errc::kCorrupt, "the hub's answer has another form");
  return models->get_array();
}

ExitCode list(Program& program) {
  const auto models = models_of(Hub(program.hub).get("/v1/models"));
  if (!models) return refuse_model(program, models.error(), "model list");
  Table table({"MODEL", "SERVING", "STATE", "BUILDING", "PROGRESS", "KEPT", "PROBLEM"});
  for (const json::value& one : *models) {
    if (!one.is_object()) continue;
    if (program.output.json()) {
      program.output.document(one);
      continue;
    }
    const json::object& model = one.get_object();
    const json::object* building = building_of(model);
    table.add({cell_at(model, "model"), cell_at(model, "serving"), cell_at(model, "state"),
               building != nullptr ? cell_at(*building, "version") : "-",
               building != nullptr ? progress_words(*building) : "-", kept_words(model),
               cell_at(model, "problem")});
  }
  if (!program.output.json()) program.output.lines(table.text());
  return ExitCode::kOk;
}

// Each member of `document` that `newer` has as well, as that says.
void bring_up_to_date(json::value& document, const json::object& newer) {
  if (!document.is_object()) return;
  for (auto& [key, value] : document.get_object())
    if (const json::value* now = newer.if_contains(key); now != nullptr && key != "version")
      value = *now;
}

// Until `version` serves: what the hub says of the model then. A version that cannot serve is an
// error with its reason.
Result<json::object> wait_until_served(Program& program, const std::string& model,
                                       const std::string& version) {
  const Hub hub(program.hub);
  const std::string target = "/v1/models/" + http::percent_encode(model);
  std::unique_ptr<Progress> bar;
  std::string said;
  for (;;) {
    const auto answer = hub.get(target);
    if (!answer) return answer.error();
    const json::object* now = answer->if_object();
    if (now == nullptr) return fail(Errc::kCorrupt, "the hub's answer has another form");
    if (cell_at(*now, "serving") == version) return *now;
    const json::object* building = building_of(*now);
    if (building == nullptr || cell_at(*building, "version") != version)
      return fail(Errc::kNotFound, "version " + version + " of " + model +
                                       " is no longer being built: see `sluice model list`");
    const std::string state = cell_at(*building, "state");
    if (state == "refused" || state == "waiting")
      return fail(Errc::kLimit, "version " + version + " of " + model +
                                    " cannot serve: " + cell_at(*building, "why"));
    const std::string words = progress_words(*building);
    if (program.output.shows_progress()) {
      if (!bar)
        bar = std::make_unique<Progress>(program.output, model + " v" + version, "messages",
                                         number_at(*building, "hub_last"));
      bar->advance_to(number_at(*building, "position"), words);
    } else if (words != said) {
      program.output.note(model + " v" + version + ": " + words);
      said = words;
    }
    std::this_thread::sleep_for(kLook);
  }
}

ExitCode change(Program& program, const Change& given, const std::string& verb) {
  json::object request{{"reason", given.reason}};
  if (!given.to.empty()) request["to"] = given.to;
  if (given.accept) request["accept"] = true;
  auto answer = Hub(program.hub)
                    .post("/v1/models/" + http::percent_encode(given.model) + "/" + verb, request);
  if (!answer) return refuse_model(program, answer.error(), ("model " + verb).c_str());
  const json::object* begun = answer->if_object();
  const std::string version = begun != nullptr ? cell_at(*begun, "version") : "-";
  if (given.wait) {
    const auto served = wait_until_served(program, given.model, version);
    if (!served) return refuse_model(program, served.error(), ("model " + verb).c_str());
    bring_up_to_date(*answer, *served);
  }
  if (program.output.json())
    program.output.document(*answer);
  else
    program.output.line("version " + version + " of " + given.model +
                        (given.wait ? " serves" : " is being built: see `sluice model list`"));
  return ExitCode::kOk;
}

ExitCode reload(Program& program) {
  const auto answer = Hub(program.hub).post("/v1/models/reload", json::object{});
  const auto models = models_of(answer);
  if (!models) return refuse_model(program, models.error(), "model reload");
  bool all_well = true;
  for (const json::value& one : *models) {
    if (!one.is_object()) continue;
    const json::object& model = one.get_object();
    const std::string problem = cell_at(model, "problem");
    all_well = all_well && problem == "-";
    if (program.output.json()) {
      program.output.document(one);
      continue;
    }
    const json::object* building = building_of(model);
    program.output.line(
        cell_at(model, "model") + ": version " + cell_at(model, "serving") + " serves" +
        (building != nullptr ? ", version " + cell_at(*building, "version") + " is being built"
                             : ""));
    if (problem != "-") program.output.notes(problem);
    if (const std::string lost = cell_at(model, "lost"); lost != "-") {
      program.output.note(cell_at(model, "model") + ": the database of version " + lost +
                          ", which served, was gone when the hub started; sluice model rebuild " +
                          cell_at(model, "model") + " builds it anew");
    }
  }
  return all_well ? ExitCode::kOk : ExitCode::kConfig;
}

void add_change(Program& program, CLI::App& verb, const std::shared_ptr<Change>& given,
                const std::string& name) {
  verb.add_option("MODEL", given->model, "The model's name.")->required();
  verb.add_option("--reason", given->reason, "Why, for those who ask later.")
      ->required()
      ->type_name("TEXT");
  verb.add_flag("--wait", given->wait, "Until it serves, with a progress bar on a terminal.");
  program.on_run(verb, [&program, given, name] { return change(program, *given, name); });
}

}  // namespace

void add_model_versions(Program& program, CLI::App& model) {
  CLI::App& listing = program.verb("list", "print the versions of all models",
                                   {"sluice model list", kAboutVersions, kListExamples}, &model);
  program.on_run(listing, [&program] { return list(program); });

  auto rebuilt = std::make_shared<Change>();
  CLI::App& rebuild = program.verb("rebuild", "build the served version anew, beside",
                                   {"sluice model rebuild MODEL --reason TEXT [--accept] [--wait]",
                                    kRebuildText, kRebuildExamples},
                                   &model);
  rebuild.add_flag("--accept", rebuilt->accept,
                   "Let what is being built serve in spite of what it parks.");
  add_change(program, rebuild, rebuilt, "rebuild");

  auto rolled = std::make_shared<Change>();
  CLI::App& rollback =
      program.verb("rollback", "let a kept version serve again",
                   {"sluice model rollback MODEL --reason TEXT [--to VERSION] [--wait]",
                    kRollbackText, kRollbackExamples},
                   &model);
  rollback.add_option("--to", rolled->to, "A kept version; else the one that served last.")
      ->type_name("VERSION");
  add_change(program, rollback, rolled, "rollback");

  CLI::App& again = program.verb("reload", "read the model files again",
                                 {"sluice model reload", kReloadText, ""}, &model);
  program.on_run(again, [&program] { return reload(program); });
}

}  // namespace sluice::cli
