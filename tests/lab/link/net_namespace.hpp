// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace sluice::test {

// A network namespace with one link to this one: a veth pair on 10.213.<n>.0/30 with n from the
// process id. Taken away by the destructor. Needs root, ip, tc and nft.
class NetNamespace {
 public:
  // Why there can be none here, empty if there can.
  static std::string missing();

  NetNamespace();  // throws std::runtime_error, with the words of the command that failed
  ~NetNamespace();
  NetNamespace(const NetNamespace&) = delete;
  NetNamespace& operator=(const NetNamespace&) = delete;

  std::string outer_address() const;
  // Put before a command, runs it inside.
  std::vector<std::string> prefix() const { return {"ip", "netns", "exec", name_}; }

  void limit_rate(const std::string& rate);  // both ways, as tc writes it: "64kbit"
  void drop_percent(int each_way);           // random; 0: none
  std::uint64_t dropped() const;             // packets so far

 private:
  void run_inside(const std::string& command) const;
  std::string name_, outer_, inner_;
  int number_;
};

}  // namespace sluice::test
