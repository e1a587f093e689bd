// SPDX-License-Identifier: Apache-2.0
#include "cli/program.hpp"

#include <csignal>

#include "cli/help.hpp"
#include "core/text.hpp"

namespace sluice::cli {

class Program::Formatter final : public CLI::FormatterBase {
 public:
  explicit Formatter(const Program& program) : program_(program) {}
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
    const auto manual = program_.manuals_.find(app);
    return manual == program_.manuals_.end() ? program_page(program_.app_)
                                             : verb_page(*app, manual->second, program_.app_);
  }

 private:
  const Program& program_;
};

namespace {

// CLI11 calls a verb a subcommand, and does not say which word it was that is none.
std::string words_of(const CLI::ParseError& problem, const CLI::App& app) {
  const std::string words = problem.what();
  if (words.find("subcommand is required") == std::string::npos) return words;
  for (const std::string& word : app.remaining(true))
    if (!word.starts_with('-')) return "there is no verb '" + core::printable(word) + "'";
  return "which verb?";
}

}  // namespace

Program::Program() : app_("the command line of Sluice, the event gateway for the edge", "sluice") {
  app_.formatter(std::make_shared<Formatter>(*this));
  app_.require_subcommand(1);
  app_.set_help_flag("-h,--help", "Prints this page, or a verb's page after its name.");
  app_.set_version_flag("--version", "sluice " SLUICE_VERSION, "Prints the version.");
  app_.add_flag_function(
      "--json", [this](std::int64_t) { output.force_json(); },
      "JSON on stdout, on a terminal too.");
  app_.add_option("--gateway", gateway, "The gateway: its ingest.sock, or the folder with it.")
      ->envname("SLUICE_GATEWAY")
      ->type_name("PATH")
      ->capture_default_str();
  hub_option_ =
      app_.add_option("--hub", hub,
                      "The hub's HTTP address; its token, if it asks for one, in SLUICE_HUB_TOKEN.")
          ->envname("SLUICE_HUB")
          ->type_name("URL")
          ->capture_default_str();
  app_.add_option("--nats", nats, "The NATS server of the hub.")
      ->envname("SLUICE_NATS")
      ->type_name("URL")
      ->capture_default_str();
}

CLI::App& Program::verb(const std::string& name, const std::string& one_line, Manual manual,
                        CLI::App* under) {
  CLI::App& verb = *(under != nullptr ? under : &app_)->add_subcommand(name, one_line);
  verb.fallthrough();  // the common options may follow the verb
  verb.set_help_flag("-h,--help", "Prints this page.");
  verb.get_help_ptr()->group("");
  manuals_.emplace(&verb, std::move(manual));
  return verb;
}

void Program::on_run(CLI::App& verb, std::function<ExitCode()> run) {
  verb.callback([this, run = std::move(run)] { chosen_ = run; });
}

bool Program::hub_was_named() const {
  return hub_option_->count() != 0;
}

int Program::run(int argc, char** argv) {
  arguments_.assign(argv, argv + argc);
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error of write(2), as any other
  try {
    app_.parse(argc, argv);
  } catch (const CLI::Success& wish) {
    return app_.exit(wish);
  } catch (const CLI::ParseError& problem) {
    output.problem(core::fail(core::Errc::kBadRequest, words_of(problem, app_)), "usage");
    output.note("Try 'sluice --help', or --help after a verb.");
    return static_cast<int>(ExitCode::kUsage);
  }
  const ExitCode code = chosen_();
  output.flush();
  return static_cast<int>(output.good() ? code : worse(code, ExitCode::kOther));
}

}  // namespace sluice::cli
