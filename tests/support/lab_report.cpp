// SPDX-License-Identifier: Apache-2.0
#include "tests/support/lab_report.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "core/json.hpp"

namespace sluice::test {

void lab_report(const LabRow& row) {
  const boost::json::object object{{"fault", row.fault},      {"runs", row.runs},
                                   {"acked", row.acked},      {"lost", row.lost},
                                   {"doubled", row.doubled},  {"out_of_order", row.out_of_order},
                                   {"reopened", row.reopened}};
  const std::string line = core::to_json(object) + "\n";
  const char* file = std::getenv("SLUICE_LAB_REPORT");
  if (file == nullptr) {
    std::fputs(("lab: " + line).c_str(), stdout);
    return;
  }
  // One write in append mode: several programs may report at once.
  const int out = ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (out < 0 || ::write(out, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    std::perror(file);
  if (out >= 0) ::close(out);
}

}  // namespace sluice::test
