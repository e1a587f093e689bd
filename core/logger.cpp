// SPDX-License-Identifier: Apache-2.0
#include "core/logger.hpp"

#include <unistd.h>

#include <cstdlib>

namespace sluice::core {

StderrLogger::StderrLogger() : journal_(std::getenv("JOURNAL_STREAM") != nullptr) {}

void StderrLogger::write(Level level, std::string_view component, std::string_view message,
                         Fields fields) {
  std::string line;
  if (journal_)
    line += "<" + std::to_string(static_cast<int>(level)) + ">";
  else if (level == Level::kError)
    line += "error: ";
  else if (level == Level::kWarning)
    line += "warning: ";
  line += component;
  line += ": ";
  line += message;
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    const bool quote = value.empty() || value.find(' ') != std::string::npos;
    if (quote) line += '"';
    for (const char c : value) line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    if (quote) line += '"';
  }
  line += '\n';
  // One write(2), so that lines of several threads do not mix. Nobody to tell if it fails.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace sluice::core
