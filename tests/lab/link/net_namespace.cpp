// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/link/net_namespace.hpp"

#include <unistd.h>

#include <regex>
#include <sstream>
#include <stdexcept>

#include "tests/support/process.hpp"

namespace sluice::test {
namespace {

std::vector<std::string> words(const std::string& command) {
  std::istringstream in(command);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

void must(const std::vector<std::string>& command) {
  const auto done = run(command);
  if (done.code == 0) return;
  std::string text;
  for (const auto& word : command) text += word + " ";
  throw std::runtime_error(text + "ended with " + std::to_string(done.code) + ": " + done.output);
}
void must(const std::string& command) {
  must(words(command));
}

}  // namespace

std::string NetNamespace::missing() {
  if (::geteuid() != 0) return "root";
  for (const char* tool : {"ip -V", "tc -V", "nft -v"})
    if (run(words(tool)).code != 0) return std::string("the program ") + words(tool).front();
  try {
    NetNamespace probe;
    probe.limit_rate("64kbit");
    probe.drop_percent(20);
  } catch (const std::exception& problem) {
    return std::string("network namespaces: ") + problem.what();
  }
  return {};
}

NetNamespace::NetNamespace() : number_(::getpid() % 250 + 1) {
  const std::string id = std::to_string(::getpid());
  name_ = "slc" + id;
  outer_ = "slo" + id;
  inner_ = "sli" + id;
  must("ip netns add " + name_);
  try {
    must("ip link add " + outer_ + " type veth peer name " + inner_);
    must("ip link set " + inner_ + " netns " + name_);
    must("ip addr add " + outer_address() + "/30 dev " + outer_);
    must("ip link set " + outer_ + " up");
    run_inside("ip addr add 10.213." + std::to_string(number_) + ".2/30 dev " + inner_);
    run_inside("ip link set " + inner_ + " up");
    run_inside("ip link set lo up");
  } catch (...) {
    run(words("ip netns del " + name_));
    throw;
  }
}

NetNamespace::~NetNamespace() {
  run(words("ip netns del " + name_));  // and with it the pair
  run(words("ip link del " + outer_));
}

std::string NetNamespace::outer_address() const {
  return "10.213." + std::to_string(number_) + ".1";
}

void NetNamespace::run_inside(const std::string& command) const {
  auto all = prefix();
  for (auto& word : words(command)) all.push_back(word);
  must(all);
}

// A short queue: what does not fit into a quarter of a second of line time is dropped, as a modem
// does.
void NetNamespace::limit_rate(const std::string& rate) {
  const std::string shape = " root tbf rate " + rate + " burst 3000 latency 250ms";
  must("tc qdisc replace dev " + outer_ + shape);
  run_inside("tc qdisc replace dev " + inner_ + shape);
}

void NetNamespace::drop_percent(int each_way) {
  run_inside("nft flush ruleset");
  if (each_way == 0) return;
  run_inside("nft add table inet lab");
  for (const std::string hook : {"input", "output"}) {
    run_inside("nft add chain inet lab " + hook + " { type filter hook " + hook +
               " priority 0 ; }");
    run_inside("nft add rule inet lab " + hook + " numgen random mod 100 < " +
               std::to_string(each_way) + " counter drop");
  }
}

std::uint64_t NetNamespace::dropped() const {
  auto command = prefix();
  for (const char* word : {"nft", "list", "ruleset"}) command.emplace_back(word);
  const std::string text = run(command).out;
  static const std::regex kCounter(R"(counter packets (\d+))");
  std::uint64_t sum = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), kCounter), end; at != end; ++at)
    sum += std::stoull((*at)[1].str());
  return sum;
}

}  // namespace sluice::test
