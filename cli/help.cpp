// SPDX-License-Identifier: Apache-2.0
#include "cli/help.hpp"

#include <sstream>

namespace sluice::cli {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kIndent = 4;

constexpr const char* kExitCodes =
    " 0  done\n"
    " 1  anything else that went wrong\n"
    " 2  usage: the command line, or an event in it, is malformed\n"
    " 3  version conflict: --expect was not met\n"
    " 4  id conflict: the event id is known with other content\n"
    " 5  refused by a limit: a quota, a size, a full queue\n"
    " 6  unreachable: the gateway, the hub or the NATS server does not answer\n"
    " 78 a model file is wrong\n";

std::string heading(const std::string& title) {
  return "\n" + title + "\n";
}

std::string term(const CLI::Option& option) {
  std::string text = option.get_positional() ? option.get_name(true) : option.get_name(false, true);
  if (option.get_positional()) return text;
  std::string names;
  for (std::size_t at = 0; at < text.size(); ++at)
    names += text[at] == ',' ? std::string(", ") : std::string(1, text[at]);
  if (option.get_items_expected_max() > 0 && !option.get_type_name().empty())
    names += " " + option.get_type_name();
  return names;
}

std::string entry(const std::string& name, const std::string& words) {
  return std::string(kIndent, ' ') + name + "\n" + wrapped(words, 2 * kIndent);
}

std::string options_of(const CLI::App& app, bool positional) {
  std::string out;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty() || option->get_positional() != positional) continue;
    std::string words = option->get_description();
    if (!option->get_envname().empty()) words += " (environment: " + option->get_envname() + ")";
    if (const std::string given = option->get_default_str(); !given.empty())
      words += " Default: " + given + ".";
    out += entry(term(*option), words);
  }
  return out;
}

std::string verbs_of(const CLI::App& app) {
  std::string out;
  std::size_t width = 0;
  const auto verbs = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* verb : verbs) width = std::max(width, verb->get_name().size());
  for (const CLI::App* verb : verbs) {
    const std::string name = verb->get_name();
    out += std::string(kIndent, ' ') + name + std::string(width - name.size() + 2, ' ') +
           verb->get_description() + "\n";
  }
  return out;
}

}  // namespace

std::string wrapped(const std::string& text, std::size_t indent) {
  const std::string margin(indent, ' ');
  std::istringstream lines(text);
  std::string out;
  std::string line;
  std::string filled;  // the paragraph's current line
  const auto close = [&] {
    if (!filled.empty()) out += margin + filled + "\n";
    filled.clear();
  };
  while (std::getline(lines, line)) {
    if (line.empty() || line[0] == ' ') {
      close();
      out += line.empty() ? "\n" : margin + line.substr(1) + "\n";
      continue;
    }
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      if (!filled.empty() && indent + filled.size() + 1 + word.size() > kColumns) close();
      filled += (filled.empty() ? "" : " ") + word;
    }
  }
  close();
  return out;
}

std::string verb_page(const CLI::App& verb, const Manual& manual, const CLI::App& program) {
  std::string name = verb.get_name();
  for (const CLI::App* above = verb.get_parent(); above != nullptr; above = above->get_parent())
    name = above->get_name() + " " + name;

  std::string out = "NAME\n" + wrapped(name + " - " + verb.get_description(), kIndent);
  out += heading("SYNOPSIS");
  std::istringstream forms(manual.synopsis);
  for (std::string form; std::getline(forms, form);) out += std::string(kIndent, ' ') + form + "\n";
  out += heading("DESCRIPTION") + wrapped(manual.description, kIndent);
  if (const std::string parts = verbs_of(verb); !parts.empty()) out += heading("VERBS") + parts;
  if (const std::string list = options_of(verb, true); !list.empty())
    out += heading("ARGUMENTS") + list;
  if (const std::string list = options_of(verb, false); !list.empty())
    out += heading("OPTIONS") + list;
  out += heading("COMMON OPTIONS") + options_of(program, false);
  out += heading("EXIT CODES") + wrapped(kExitCodes, kIndent);
  if (!manual.examples.empty()) out += heading("EXAMPLES") + wrapped(manual.examples, kIndent);
  return out;
}

std::string program_page(const CLI::App& program) {
  std::string out = "NAME\n" + wrapped("sluice - " + program.get_description(), kIndent);
  out += heading("SYNOPSIS") + "    sluice VERB [arguments] [options]\n    sluice VERB --help\n";
  out += heading("DESCRIPTION") +
         wrapped(
             "Hands events to a gateway, looks into its log, and asks the hub what came of "
             "them. On a terminal the answers are text for people; anywhere else, or with "
             "--json, each is one JSON document per line. What goes wrong is said in words on "
             "stderr, and in JSON mode also on stdout as {\"error\": {code, message, ...}}.",
             kIndent);
  out += heading("VERBS") + verbs_of(program);
  out += heading("OPTIONS") + options_of(program, false);
  out += heading("EXIT CODES") + wrapped(kExitCodes, kIndent);
  out += heading("EXAMPLES") + wrapped(
                                   " $ sluice append pump/7 PressureSampled '{\"bar\": 4.2}'\n"
                                   " $ sluice read pump/7\n"
                                   " $ sluice status\n"
                                   " $ sluice query pumps latest --where entity=7\n",
                                   kIndent);
  return out;
}

}  // namespace sluice::cli
