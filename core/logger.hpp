// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::core {

// Where lines for the operator go. Libraries never print: they are handed a Logger. Info is for
// rare changes of state only, since on an SD card the journal itself wears the flash.
class Logger {
 public:
  enum class Level { kError = 3, kWarning = 4, kInfo = 6, kDebug = 7 };  // as in syslog(3)
  using Fields = std::initializer_list<std::pair<std::string_view, std::string>>;

  virtual ~Logger() = default;
  virtual void write(Level level, std::string_view component, std::string_view message,
                     Fields fields) = 0;  // any thread

  void error(std::string_view component, std::string_view message, Fields fields = {}) {
    write(Level::kError, component, message, fields);
  }
  void warning(std::string_view component, std::string_view message, Fields fields = {}) {
    write(Level::kWarning, component, message, fields);
  }
  void info(std::string_view component, std::string_view message, Fields fields = {}) {
    write(Level::kInfo, component, message, fields);
  }
};

// One line per call to stderr: "<6>uplink: connected url=nats://hub:4222". The priority prefix is
// written only when stderr is journald's (JOURNAL_STREAM is set).
class StderrLogger final : public Logger {
 public:
  StderrLogger();
  void write(Level level, std::string_view component, std::string_view message,
             Fields fields) override;

 private:
  bool journal_;
};

// For tests and for callers that want silence: keeps nothing.
class NullLogger final : public Logger {
 public:
  void write(Level, std::string_view, std::string_view, Fields) override {}
};

}  // namespace sluice::core
