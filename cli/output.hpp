// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/json.hpp"

namespace sluice::cli {

// Where a verb's words go. Results on stdout: one JSON document per line when stdout is not a
// terminal or --json was given, text for people otherwise. What went wrong goes to stderr in words,
// and in JSON mode to stdout as well, as {"error": ...}, so that a script reads one place.
class Output {
 public:
  Output();  // asks isatty(3)

  void force_json() { json_ = true; }
  bool json() const { return json_; }
  // Stderr is a terminal and stdout is too, or goes elsewhere: a progress bar has a place.
  bool shows_progress() const { return stderr_is_terminal_; }
  bool stdout_is_terminal() const { return stdout_is_terminal_; }

  void document(const core::json::value& value);  // one line of JSON
  void json_line(std::string_view line);          // the same, finished
  // For people. What others wrote cannot steer the terminal or begin a line: shown_text.hpp.
  void line(std::string_view text);   // one line, whatever is in it
  void lines(std::string_view text);  // as many as it has: line breaks must be our own
  void note(std::string_view text);   // one line on stderr
  void notes(std::string_view text);  // as many as it has
  // "sluice: what: words" on stderr; in JSON mode the error document on stdout. One line, or for
  // kConfig, which speaks of our own files, as many as it has.
  void problem(const core::Error& error, std::string_view what = {});
  void flush();

  // False once stdout refused bytes (a closed pipe, a full disk): the verb ends with kOther.
  bool good() const { return good_; }

 private:
  void write(const std::string& line);  // to stdout

  bool stdout_is_terminal_;
  bool stderr_is_terminal_;
  bool json_;
  bool good_ = true;
};

// A bar on stderr for work that may take longer than a second or so; silent if `output` says that
// nobody watches. total 0: unknown, so that only a count is shown. One thread.
class Progress {
 public:
  Progress(Output& output, std::string label, std::string unit, std::uint64_t total);
  ~Progress();  // wipes the bar
  void advance_to(std::uint64_t done, std::string_view remark = {});
  void wipe();  // before other lines are written to the terminal; the next advance draws it again

 private:
  void draw(std::uint64_t now_ns, std::string_view remark);
  bool shown_;
  bool drawn_ = false;
  std::string label_;
  std::string unit_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  std::uint64_t started_ns_;
  std::uint64_t drawn_ns_ = 0;
};

// A text table with columns as wide as their widest cell. Numbers are set to the right. A cell is
// one line, whatever others wrote there (shown_text.hpp); text() goes to Output::lines.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { add(std::move(header)); }
  void add(std::vector<std::string> row);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// As core::to_json, with floats in the form that people write: 100.0, not 1E2.
std::string json_text(const core::json::value& value);

std::string with_thousands(std::uint64_t number);  // 22,695

}  // namespace sluice::cli
