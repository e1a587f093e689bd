// SPDX-License-Identifier: Apache-2.0
// docs/protocol.md: each shell example runs as it stands, and gives what stands below it.
#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/gateway/sluiced.hpp"

namespace sluice::gateway {
namespace {

struct Example {
  std::string shell;
  std::string json;  // empty: none is shown
};

std::vector<Example> examples() {
  std::ifstream in(std::string(SLUICE_SOURCE_DIR) + "/docs/protocol.md");
  std::ostringstream text;
  text << in.rdbuf();
  const std::string page = text.str();
  std::vector<Example> found;
  static const std::regex kBlock("```(sh|json)\n([^`]*)```");
  for (std::sregex_iterator at(page.begin(), page.end(), kBlock), end; at != end; ++at) {
    if ((*at)[1] == "sh")
      found.push_back({(*at)[2], {}});
    else if (!found.empty())
      found.back().json = (*at)[2];
  }
  return found;
}

// What differs from run to run is taken out.
std::string comparable(std::string text) {
  static const std::regex kVaries(
      R"re("(epoch|recorded_at|id|token)":"[^"]*"|"clock_trusted":(true|false)|"next":\d+)re");
  text = std::regex_replace(text, kVaries, "\"$1\"");
  text.erase(std::remove(text.begin(), text.end(), '\n'), text.end());
  return text;
}

using ProtocolDoc = SluicedTest;

TEST_F(ProtocolDoc, ItsExamplesRun) {
  start();
  const auto all = examples();
  ASSERT_GE(all.size(), 6u);
  std::string script = "set -eu\nexport SLUICE_HTTP='" + socket("http").string() + "'\n";
  for (const Example& example : all) script += example.shell + "\necho '#####'\n";
  const auto finished = test::run({"/bin/sh", folder_.write("examples.sh", script).string()});
  ASSERT_EQ(finished.code, 0) << finished.output;
  std::vector<std::string> outputs;
  std::string rest = finished.out;
  for (std::size_t at = 0; (at = rest.find("#####\n")) != std::string::npos;
       rest = rest.substr(at + 6))
    outputs.push_back(rest.substr(0, at));
  ASSERT_EQ(outputs.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].json.empty()) continue;
    // Pages may go on where the document's ends: the first event is the one shown.
    const std::string shown = comparable(all[i].json);
    const std::string real = comparable(outputs[i]);
    EXPECT_EQ(real.substr(0, shown.find("}}],")), shown.substr(0, shown.find("}}],")))
        << all[i].shell;
  }
}

}  // namespace
}  // namespace sluice::gateway
